//! XML-RPC as values in and bytes out: the codec of both ends, server and client.
//!
//! The room reads whole documents that are already in memory and opens nothing. It stands on
//! quick-xml for the markup and adds what a server must have besides: bounds on depth, elements
//! and text ([`Limits`]), one root and nothing behind it, no DOCTYPE, no entities but the five of
//! XML and numbers, and no characters that XML forbids, however they are spelled.
//!
//! What is written looks as Python's `xmlrpc.client.dumps` writes it, byte for byte, with two
//! exceptions, both of which lose data there: a carriage return is written as `&#13;`, because
//! a raw one reaches the reader as a line feed, and characters that XML cannot carry are
//! replaced by U+FFFD, because the reader would refuse the whole document.

mod error;
mod read;
mod value;
mod write;

pub use crate::model::base64::{decode as base64_decode, encode as base64_encode};
pub use error::XmlError;
pub use read::{Limits, read_call, read_response};
pub use value::{Call, Fault, Value};
pub use write::{Mark, Writer, fault, write_call};
pub(crate) use write::{decimal, escape};

/// Whether XML 1.0 lets a document contain this character (its production `Char`).
const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}
