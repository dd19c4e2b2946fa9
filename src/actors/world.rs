//! What every actor of the main arbiter may use: the log, the bus, and the actors of whom there
//! is one each.

use super::bus::Bus;
use super::launching::Gate;
use super::logs::LogRooms;
use super::output::Ends;
use super::reaper::Reaper;
use super::spawner::Spawner;
use super::table::Table;
use super::vigil::Vigil;
use crate::model::process::{Gravity, Sentence};
use crate::sys::reap::Register;
use actix::Addr;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// See the module.
#[derive(Clone)]
pub struct World {
    /// The main log.
    pub log: slog::Logger,
    /// Where events are published.
    pub bus: Bus,
    /// Both, for the streams.
    pub ends: Arc<Ends>,
    /// The rooms of the logs.
    pub rooms: LogRooms,
    /// Who makes children.
    pub spawner: Addr<Spawner>,
    /// The children that are not buried.
    pub register: Arc<Register>,
    /// Who buries them.
    pub reaper: Addr<Reaper>,
    /// Lets so many children through at a time.
    pub gate: Gate,
    /// Who waits for the answers of listeners.
    pub vigil: Vigil,
    /// What is true now, for readers.
    pub table: Arc<Table>,
    /// Where a program's end is told that is to be the daemon's.
    pub downfall: UnboundedSender<BringDown>,
}

/// The daemon is to stop all programs and to leave, because of one of them.
#[derive(Clone, Debug)]
pub struct BringDown {
    /// Its name.
    pub process: Arc<str>,
    /// The exit code to leave with.
    pub code: u8,
}

impl World {
    /// Writes a sentence about a process into the main log.
    pub fn say(&self, name: &str, sentence: &Sentence) {
        let text = sentence.about(name);
        match sentence.gravity() {
            Gravity::Critical => slog::crit!(self.log, "{}", text),
            Gravity::Error => slog::error!(self.log, "{}", text),
            Gravity::Warning => slog::warn!(self.log, "{}", text),
            Gravity::Info => slog::info!(self.log, "{}", text),
            Gravity::Debug => slog::debug!(self.log, "{}", text),
        }
    }

    /// Tells the daemon to leave.
    pub(super) fn bring_down(&self, order: BringDown) {
        // A daemon that is gone has left.
        let _ = self.downfall.send(order);
    }

    /// Says why a restart does not happen.
    pub(super) fn refuse_restart(log: &slog::Logger, sentence: &str) {
        slog::error!(
            log,
            "not restarting, all programs stay as they are: {}",
            sentence
        );
    }
}
