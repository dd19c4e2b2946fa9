//! How a daemon comes to be: flags, config, sockets, background, threads, in this order; and the
//! one place that ties the rooms together.

#![forbid(unsafe_code)]

mod host;

pub use host::Machine;
pub mod cli;
