//! What the world may ask: the methods, their one table, the faults, and XML-RPC in and out.

#![forbid(unsafe_code)]

pub mod client;
pub mod xml;
