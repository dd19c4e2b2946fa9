//! How a daemon comes to be: flags, config, sockets, background, threads, in this order; and the
//! one place that ties the rooms together.

#![forbid(unsafe_code)]

mod client;
mod host;

pub use client::supervisorctl;
pub use host::Machine;
