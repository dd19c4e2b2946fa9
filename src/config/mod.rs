//! From text to a typed, checked [`Config`], and from two of them to a [`Diff`].
//!
//! The room reads files and asks [`Host`] about users; it opens nothing for writing, changes
//! nothing, and does not know who will act on what it says. Reading is a function of its
//! arguments and of the files: any thread may do it at any time, and nothing is remembered.
//!
//! ```text
//!  files ─ raw ─► Document ─ include ─► Document ─ programs, servers … ─► Config ─ Diff::between
//!          lines            more files             percent, values, pairs
//! ```

#![forbid(unsafe_code)]

mod client;
mod daemon;
mod diff;
mod error;
mod glob;
mod groups;
mod host;
mod include;
mod lacking;
mod load;
mod pairs;
mod paths;
mod percent;
mod programs;
mod raw;
mod reader;
mod retry;
mod search;
mod servers;
mod types;
pub mod values;

#[cfg(test)]
mod testing;

pub use client::load_client;
pub use diff::Diff;
pub use error::ConfigError;
pub use host::Host;
#[cfg(fuzzing)]
pub use load::load_bytes;
#[cfg(test)]
pub(crate) use load::tests::loaded;
pub use load::{LoadRequest, load};
pub use paths::Surroundings;
pub use search::{find_default, search_paths};
pub use types::*;

/// A sample of every section and option, with what each of them does.
pub const SAMPLE: &str = include_str!("sample.conf");
