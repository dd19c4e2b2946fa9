//! The shells around the pure decisions: one actor a file, and the handle that hides them.
//!
//! Commands go down (Daemon → Group → Process) and are answered when they have happened; facts
//! go up (into the [`table`], onto the [`bus`]) and are not answered. Nobody outside this room sees
//! an address of an actor: what the world may ask is a method of [`Supervisor`].

#![forbid(unsafe_code)]

pub mod beat;
pub mod bus;
mod cause;
pub mod daemon;
pub mod ear;
pub mod fcgi;
mod filters;
pub mod group;
pub mod handle;
pub mod launching;
mod linelog;
mod listening;
mod logroom;
pub mod logs;
pub mod mainlog;
mod mainlog_writer;
pub mod output;
pub mod pool;
mod presser;
pub mod process;
mod pump;
pub mod reaper;
pub mod source;
pub mod spawner;
mod stdin;
pub mod stream;
mod syslogger;
pub mod table;
mod target;
pub mod ticker;
mod turn;
pub mod vigil;
mod watch;
pub mod world;

pub use handle::Supervisor;
