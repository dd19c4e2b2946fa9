//! The values that XML-RPC carries.

use std::fmt;

/// A value of XML-RPC, with the extensions `nil` and `i8` on reading.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `int`, `i4`, `i8`
    Int(i64),
    /// `boolean`
    Bool(bool),
    /// `string`, or text that stands in `value` without a type.
    String(String),
    /// `double`
    Double(f64),
    /// `dateTime.iso8601`, as `YYYYMMDDTHH:MM:SS`.
    DateTime(String),
    /// `base64`, decoded.
    Base64(Vec<u8>),
    /// `array`
    Array(Vec<Value>),
    /// `struct`: members in their order. A name may stand there twice; then the last one counts.
    Struct(Vec<(String, Value)>),
    /// `nil`
    Nil,
}

impl Value {
    /// The number, if it is one.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// A member's value, if it is a struct that has one.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => members
                .iter()
                .rev()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// A call as it came: neither the method nor its parameters are checked against anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method's name, never empty.
    pub method: String,
    /// The parameters; a call without `params` has none.
    pub params: Vec<Value>,
}

/// The answer that a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure.
    pub code: i32,
    /// The failure in words, as `BAD_NAME: x`.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (fault {})", self.text, self.code)
    }
}

impl std::error::Error for Fault {}
