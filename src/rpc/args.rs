//! The arguments of a call, taken one after the other with the tolerance of the original.
//!
//! Python asks what a value can do and not what it is: a number may come as text, and anything
//! is true or false. What the original answers with HTTP 500 is `INCORRECT_PARAMETERS` here.

use super::faults::FaultKind;
use super::xml::{Fault, Value};
use crate::model::number::python_int;
use std::vec::IntoIter;

/// Arguments that were not taken yet.
pub(super) struct Args(IntoIter<Value>);

impl Args {
    /// Arguments whose number was checked against the method's signature.
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next one as it came; `Nil` where an optional one was left out.
    pub(super) fn value(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Nil)
    }

    /// The next one, a text.
    pub(super) fn text(&mut self) -> Result<String, Fault> {
        text(self.value()).ok_or_else(incorrect)
    }

    /// The next one, the name of a group: a number names the group of those digits.
    pub(super) fn group(&mut self) -> Result<String, Fault> {
        match self.value() {
            Value::Int(number) => Ok(number.to_string()),
            other => text(other).ok_or_else(incorrect),
        }
    }

    /// The next one as a truth value; true where it was left out.
    pub(super) fn truth(&mut self) -> bool {
        self.0.next().is_none_or(|value| is_true(&value))
    }
}

/// Wrong number or types of arguments.
pub(super) fn incorrect() -> Fault {
    FaultKind::IncorrectParameters.plain()
}

/// A text, or bytes that are one.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Base64(bytes) => String::from_utf8(bytes).ok(),
        Value::Int(_)
        | Value::Bool(_)
        | Value::Double(_)
        | Value::DateTime(_)
        | Value::Array(_)
        | Value::Struct(_)
        | Value::Nil => None,
    }
}

/// A whole number, as Python's `int(value)` makes one of numbers and texts.
pub(super) fn number(value: Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(number),
        Value::Bool(truth) => Some(i64::from(truth)),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast cuts at the ends of i64"
        )]
        Value::Double(number) => number.is_finite().then_some(number as i64),
        Value::String(_) | Value::Base64(_) => python_int(&text(value)?),
        Value::DateTime(_) | Value::Array(_) | Value::Struct(_) | Value::Nil => None,
    }
}

/// Whether Python takes a value for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Int(number) => *number != 0,
        Value::Bool(truth) => *truth,
        Value::Double(number) => *number != 0.0,
        Value::String(text) => !text.is_empty(),
        Value::Base64(bytes) => !bytes.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Struct(members) => !members.is_empty(),
        Value::DateTime(_) => true,
        Value::Nil => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_from_whatever_python_makes_one_of() {
        let check = |value, expected| assert_eq!(number(value), expected);
        check(Value::Int(-3), Some(-3));
        check(Value::Bool(true), Some(1));
        check(Value::Double(-1.9), Some(-1));
        check(Value::Double(f64::NAN), None);
        check(Value::Double(1e300), Some(i64::MAX));
        check(" 1_000 ".into(), Some(1000));
        check("1.5".into(), None);
        check(Value::Base64(b"7".to_vec()), Some(7));
        check(Value::Array(vec![Value::Int(1)]), None);
        check(Value::Nil, None);
    }

    #[test]
    fn empty_values_are_false_and_a_missing_one_is_true() {
        let check = |values, expected| assert_eq!(Args::new(values).truth(), expected);
        check(vec![], true);
        check(vec![Value::Bool(false)], false);
        check(vec![Value::Int(0)], false);
        check(vec!["".into()], false);
        check(vec!["false".into()], true);
        check(vec![Value::Nil], false);
        check(vec![Value::Array(vec![])], false);
    }

    #[test]
    fn text_comes_as_a_string_or_as_bytes_that_are_one() {
        assert_eq!(text("x".into()).as_deref(), Some("x"));
        assert_eq!(text(Value::Base64(b"x".to_vec())).as_deref(), Some("x"));
        assert_eq!(text(Value::Base64(vec![0xFF])), None);
        assert_eq!(text(Value::Int(1)), None);
    }
}
