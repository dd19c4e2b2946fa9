//! Why a document was not understood.

use std::fmt;

/// Why a document was not understood; shown as one sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XmlError {
    /// It is not well-formed, or its elements do not stand as XML-RPC wants them.
    Malformed(String),
    /// Its bytes are not UTF-8, the only encoding that is read.
    NotUtf8,
    /// It holds a character that XML forbids, plainly or by number.
    Character(u32),
    /// Its elements are nested deeper than the bound.
    TooDeep(usize),
    /// It has more elements than the bound.
    TooMany(usize),
    /// One of its texts has more bytes than the bound.
    TooLong(usize),
    /// It has a document type declaration.
    Doctype,
    /// It refers to an entity that is not one of the five of XML.
    Entity(String),
    /// The call names no method.
    NoMethod,
}

impl XmlError {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) => f.write_str(reason),
            Self::NotUtf8 => f.write_str("the document is not UTF-8"),
            Self::Character(code) => {
                write!(f, "the character U+{code:04X} is not allowed in XML")
            }
            Self::TooDeep(bound) => write!(f, "elements are nested deeper than {bound}"),
            Self::TooMany(bound) => write!(f, "the document has more than {bound} elements"),
            Self::TooLong(bound) => write!(f, "a text is longer than {bound} bytes"),
            Self::Doctype => f.write_str("a document type declaration is not accepted"),
            Self::Entity(name) => write!(f, "the entity '{name}' is not known"),
            Self::NoMethod => f.write_str("the call names no method"),
        }
    }
}

impl std::error::Error for XmlError {}
