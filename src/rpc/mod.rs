//! What the world may ask: the methods, their one table, the faults, and XML-RPC in and out.
//!
//! Nothing here knows of connections: a call comes in as a value and its answer goes out as
//! bytes. What is asked goes to the handle `Supervisor` or is read from its table.

#![forbid(unsafe_code)]

mod api;
mod args;
pub mod client;
mod commands;
mod details;
mod faults;
#[cfg(test)]
pub(crate) mod fixture;
mod info;
mod logs;
mod roll;
mod table;
#[cfg(test)]
mod tests;
mod turns;
pub mod xml;

pub use api::Api;
pub use faults::FaultKind;
pub use info::Status;
pub use roll::Answer;
