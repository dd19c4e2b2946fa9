//! Where the config comes from when it is read again.

use crate::config::{Config, ConfigError};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Reads the config, as often as it is asked to.
#[derive(Clone)]
pub struct Source(Arc<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>);

impl Source {
    /// A source that reads with this function. It may block: it is called on a thread of its own.
    pub fn new(read: impl Fn() -> Result<Config, ConfigError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads it. The thread lives for this one time: reading is rare, and files may be on a disk
    /// that hangs, where neither programs nor clients are to wait with it. An error is one
    /// sentence.
    pub async fn read(&self) -> Result<Arc<Config>, String> {
        let (answer, answered) = oneshot::channel();
        let read = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("config".to_owned());
        let started = thread.spawn(move || {
            // Whoever asked may be gone.
            let _ = answer.send(read());
        });
        started.map_err(|error| format!("no thread to read the config on: {error}"))?;
        match answered.await {
            Ok(Ok(config)) => Ok(Arc::new(config)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("reading the config failed, which is a defect".to_owned()),
        }
    }
}
