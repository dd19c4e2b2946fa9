//! From text to a typed, checked [`Config`], and from two of them to a [`Diff`].
//!
//! The room reads files and asks [`Host`] about users; it opens nothing for writing, changes
//! nothing, and does not know who will act on what it says.

#![forbid(unsafe_code)]

mod diff;
mod host;
mod types;

pub use diff::Diff;
pub use host::Host;
pub use types::*;
