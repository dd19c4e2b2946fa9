//! The writer of the main log: the one who takes from its queue, on a log arbiter.

use super::handle::LogError;
use super::mainlog::{Item, Line, MainLogSettings, Queue};
use super::output::OpenError;
use super::syslogger;
use super::target::{self, Policy, Shared};
use crate::config::LogLevel;
use crate::config::MainLogTarget;
use slog::Logger;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// The way back to whoever gave an order.
pub(super) type Answer<T> = oneshot::Sender<T>;

/// What the writer is told besides lines. Each is carried out after the lines before it.
pub(super) enum Order {
    /// Tell whether the log could be opened.
    Opened(Answer<Result<(), OpenError>>),
    /// Open the file anew at its path.
    Reopen(Answer<()>),
    /// Remove the file and begin it anew.
    Clear(Answer<Result<(), LogError>>),
    /// Write elsewhere or otherwise.
    Reconfigure(MainLogSettings, Answer<Result<(), OpenError>>),
    /// Tell when it is this order's turn.
    Flush(Answer<()>),
}

/// The writer; see the module.
pub(super) struct Writer {
    queue: Arc<Queue>,
    log: Arc<Logger>,
    settings: MainLogSettings,
    /// None for the system's log.
    file: Option<Shared>,
    screen: Option<Shared>,
    opened: Result<(), OpenError>,
    batch: Vec<u8>,
}

impl Writer {
    /// Opens what the settings say.
    pub(super) fn new(queue: Arc<Queue>, log: Arc<Logger>, settings: MainLogSettings) -> Self {
        let (file, opened) = match &settings.target {
            MainLogTarget::Syslog => (None, Ok(())),
            MainLogTarget::File(path) => {
                let path = Arc::from(path.as_path());
                match target::open(&path, &log) {
                    Ok(file) => (Some(file), Ok(())),
                    Err(error) => {
                        let file = target::open_or_lose(&path, &log);
                        (Some(file), Err(OpenError::from(error)))
                    }
                }
            }
        };
        let screen = settings.stdout.then(|| target::stdout(&log));
        Self {
            queue,
            log,
            settings,
            file,
            screen,
            opened,
            batch: Vec::new(),
        }
    }

    /// Writes what comes, for ever.
    pub(super) async fn run(mut self) {
        loop {
            let waiting = self.queue.take();
            if waiting.items.is_empty() {
                self.queue.news.notified().await;
                continue;
            }
            for item in waiting.items {
                if let Some(text) = item.text() {
                    self.add(&text).await;
                }
                if let Item::Order(order) = item {
                    self.write().await;
                    self.carry_out(order).await;
                }
            }
            self.write().await;
        }
    }

    /// Adds a line to what is written next. Writes when the line fills the file, for rotation
    /// comes after that line.
    async fn add(&mut self, line: &[u8]) {
        self.batch.extend_from_slice(line);
        let Some(file) = &self.file else {
            syslogger::send(self.batch.trim_ascii_end(), &self.log);
            return self.print().await;
        };
        let room = file.borrow().room(self.policy());
        if room.is_some_and(|room| self.batch.len() as u64 >= room) {
            self.write().await;
        }
    }

    async fn write(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if let Some(file) = &self.file {
            make_way(file).await;
            file.borrow_mut()
                .write(&self.batch, self.policy(), Instant::now());
        }
        self.print().await;
    }

    async fn print(&mut self) {
        if let Some(screen) = &self.screen {
            make_way(screen).await;
            screen
                .borrow_mut()
                .write(&self.batch, NEVER, Instant::now());
        }
        self.batch.clear();
    }

    async fn carry_out(&mut self, order: Order) {
        // Whoever gave an order may be gone by the time it is carried out.
        match order {
            Order::Opened(answer) => {
                let _ = answer.send(self.opened.clone());
            }
            Order::Reopen(answer) => {
                if let Some(file) = &self.file {
                    file.borrow_mut().reopen();
                }
                let _ = answer.send(());
            }
            Order::Clear(answer) => {
                let cleared = self.clear().await;
                let _ = answer.send(cleared);
            }
            Order::Reconfigure(settings, answer) => {
                let _ = answer.send(self.reconfigure(settings));
            }
            Order::Flush(answer) => {
                for target in [&self.file, &self.screen].into_iter().flatten() {
                    make_way(target).await;
                }
                let _ = answer.send(());
            }
        }
    }

    async fn clear(&mut self) -> Result<(), LogError> {
        let (Some(file), MainLogTarget::File(path)) = (&self.file, &self.settings.target) else {
            return Err(LogError::NoFile);
        };
        if !Path::new(path).exists() {
            return Err(LogError::NoFile);
        }
        let cleared = file.borrow_mut().clear();
        cleared.map_err(|_| LogError::Failed)?;
        // The original writes this into the file that it has removed, and prints it.
        if self.queue.has(LogLevel::Info) {
            let line = Line::new(LogLevel::Info, "reopening log file".to_owned());
            line.write_to(&mut self.batch);
            self.print().await;
        }
        Ok(())
    }

    fn reconfigure(&mut self, settings: MainLogSettings) -> Result<(), OpenError> {
        self.file = match &settings.target {
            MainLogTarget::Syslog => None,
            MainLogTarget::File(path) => Some(target::open(&Arc::from(path.as_path()), &self.log)?),
        };
        self.opened = Ok(());
        if !settings.stdout {
            self.screen = None;
        } else if self.screen.is_none() {
            self.screen = Some(target::stdout(&self.log));
        }
        self.settings = settings;
        Ok(())
    }

    const fn policy(&self) -> Policy {
        Policy {
            maxbytes: self.settings.maxbytes,
            backups: self.settings.backups,
            ..NEVER
        }
    }
}

impl Drop for Writer {
    /// The arbiter stops: what is still in the queue is written without waiting for anything.
    fn drop(&mut self) {
        let waiting = self.queue.close();
        for item in &waiting.items {
            self.batch.extend(item.text().unwrap_or_default());
        }
        let now = Instant::now();
        if self.batch.is_empty() {
            return;
        }
        if let Some(file) = &self.file {
            let policy = self.policy();
            file.borrow_mut().write(&self.batch, policy, now);
        }
        if let Some(screen) = &self.screen {
            screen.borrow_mut().write(&self.batch, NEVER, now);
        }
    }
}

/// What is printed is not rotated.
const NEVER: Policy = Policy {
    maxbytes: 0,
    backups: 0,
    period: None,
    compression: None,
    lines: true,
};

async fn make_way(target: &Shared) {
    let clogged = target.borrow().is_clogged();
    if clogged {
        target::unclog(target.clone()).await;
    }
}
