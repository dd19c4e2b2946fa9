//! The one door to the system. Only here stand `unsafe` and `nix`; each `unsafe` block carries
//! its proof.
//!
//! The room knows no actor and no config: it is given plain values and gives plain values back.

pub mod clock;

pub mod walltimer;

pub mod blame;
pub mod command;

pub mod errno;

pub mod fds;
pub mod follow;
pub mod limits;
pub mod privileges;
pub mod signals;
pub mod users;

pub mod kill;
pub mod reap;
mod slots;
pub mod spawn;
pub mod standin;

pub mod logfile;
mod placed;
pub mod press;

pub mod logread;

pub mod memory;
pub mod mounts;

pub mod argv;
pub mod autolog;
pub mod pipe;
pub mod poller;
pub mod syslog;

pub mod daemonize;
pub mod pidfile;
pub mod sockets;

#[cfg(test)]
pub(crate) mod scratch;
#[cfg(test)]
mod testing;
