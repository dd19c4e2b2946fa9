//! Values as Python `%` formats with a mapping: `%(here)s`, `%(process_num)02d`, `%%`.
//!
//! Flags, width, precision and all conversions are those of Python's `%` operator, and so are the
//! sentences that refuse a format. Two things differ on purpose: `%s`, `%r` and `%a` without a
//! name, for which Python prints its whole mapping, are refused; and widths and precisions are
//! bounded, so that a typing error costs no memory.

use crate::model::text::{ascii, repr};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The value behind a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arg {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// Names with their values.
pub(super) type Names = BTreeMap<String, Arg>;

/// What a format may name: names of the place it stands in, and under them those that all
/// places know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// Known here; these win.
    pub(super) local: &'a Names,
    /// Known everywhere.
    pub(super) global: &'a Names,
}

impl<'a> Scope<'a> {
    fn get(&self, name: &str) -> Option<&'a Arg> {
        self.local.get(name).or_else(|| self.global.get(name))
    }

    fn available(&self) -> String {
        let names: std::collections::BTreeSet<&str> = self
            .local
            .keys()
            .chain(self.global.keys())
            .map(String::as_str)
            .collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// The format filled in; `name` says in an error whose value it is.
///
/// # Errors
/// The original's sentence about names that are not known, or about a bad format.
pub(super) fn expand<'a>(
    format: &'a str,
    scope: Scope<'_>,
    name: &str,
) -> Result<Cow<'a, str>, String> {
    if !format.contains('%') {
        return Ok(Cow::Borrowed(format));
    }
    fill_in(format, scope).map(Cow::Owned).map_err(|trouble| {
        let (format, name) = (repr(format), repr(name));
        match trouble {
            Trouble::UnknownName(unknown) => format!(
                "Format string {format} for {name} contains names ({}) which cannot be \
                 expanded. Available names: {}",
                repr(&unknown),
                scope.available()
            ),
            Trouble::BadFormat(why) => {
                format!("Format string {format} for {name} is badly formatted: {why}")
            }
        }
    })
}

/// Why a format cannot be filled in.
enum Trouble {
    UnknownName(String),
    BadFormat(String),
}

impl From<&str> for Trouble {
    fn from(why: &str) -> Self {
        Self::BadFormat(why.to_owned())
    }
}

/// More columns or digits than any name or path has use for.
const WIDEST: usize = 4096;

/// One conversion, between its `%` and its letter.
#[derive(Default)]
struct Spec {
    left: bool,
    sign: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// A reader of characters that knows its place, counted in characters as Python counts.
struct Cursor<'a> {
    rest: std::str::Chars<'a>,
    index: usize,
}

impl Cursor<'_> {
    fn next(&mut self) -> Option<char> {
        self.index += 1;
        self.rest.next()
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let c = self.peek().filter(|&c| wanted(c))?;
        self.next();
        Some(c)
    }
}

fn fill_in(format: &str, scope: Scope<'_>) -> Result<String, Trouble> {
    let mut filled = String::with_capacity(format.len());
    let mut cursor = Cursor {
        rest: format.chars(),
        index: 0,
    };
    // A conversion without a name takes the mapping itself, once and only at the beginning.
    let mut mapping_is_left = true;
    while let Some(c) = cursor.next() {
        if c != '%' || cursor.next_if(|c| c == '%').is_some() {
            filled.push(c);
        } else {
            let arg = match name(&mut cursor)? {
                Some(name) => {
                    let arg = scope.get(&name).ok_or(Trouble::UnknownName(name))?;
                    Operand::Named(arg)
                }
                None if mapping_is_left => Operand::Mapping,
                None => Operand::Nothing,
            };
            mapping_is_left = false;
            conversion(&mut cursor, arg, &mut filled)?;
        }
    }
    Ok(filled)
}

/// What a conversion is applied to.
#[derive(Clone, Copy)]
enum Operand<'a> {
    Named(&'a Arg),
    /// All names with their values.
    Mapping,
    Nothing,
}

fn conversion(
    cursor: &mut Cursor<'_>,
    mut arg: Operand<'_>,
    filled: &mut String,
) -> Result<(), Trouble> {
    let spec = specification(cursor, &mut arg)?;
    cursor.next_if(|c| matches!(c, 'h' | 'l' | 'L'));
    let letter = cursor.next().ok_or("incomplete format")?;
    let known = "sracdiuoxXeEfFgG".contains(letter);
    if matches!(arg, Operand::Nothing) {
        return Err(TOO_FEW.into());
    }
    if !known {
        let shown = if ('\x1f'..='~').contains(&letter) {
            letter
        } else {
            '?'
        };
        return Err(Trouble::BadFormat(format!(
            "unsupported format character '{shown}' ({:#x}) at index {}",
            u32::from(letter),
            cursor.index - 1
        )));
    }
    let (sign, prefix, body) = match arg {
        Operand::Named(arg) => converted(letter, arg, &spec)?,
        Operand::Mapping => return Err(mapping_refused(letter)),
        Operand::Nothing => return Err(TOO_FEW.into()),
    };
    pad(filled, &spec, sign, prefix, &body, is_numeric(letter));
    Ok(())
}

const TOO_FEW: &str = "not enough arguments for format string";

/// What Python says to a mapping where a value should be. It would print the mapping as a text.
fn mapping_refused(letter: char) -> Trouble {
    Trouble::BadFormat(match letter {
        'o' | 'x' | 'X' => format!("%{letter} format: an integer is required, not dict"),
        'd' | 'i' | 'u' => format!("%{letter} format: a real number is required, not dict"),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => "must be real number, not dict".to_owned(),
        'c' => "%c requires int or char".to_owned(),
        _ => TOO_FEW.to_owned(),
    })
}

/// The name in parentheses, if there is one.
fn name(cursor: &mut Cursor<'_>) -> Result<Option<String>, Trouble> {
    match cursor.next_if(|c| c == '(') {
        Some(_) => parenthesized(cursor).map(Some),
        None => Ok(None),
    }
}

/// The name up to the parenthesis that closes the one before.
fn parenthesized(cursor: &mut Cursor<'_>) -> Result<String, Trouble> {
    let mut depth = 1_usize;
    let mut name = String::new();
    loop {
        let c = cursor.next().ok_or("incomplete format key")?;
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(name);
        }
        name.push(c);
    }
}

fn specification(cursor: &mut Cursor<'_>, arg: &mut Operand<'_>) -> Result<Spec, Trouble> {
    let mut spec = Spec::default();
    while let Some(flag) = cursor.next_if(|c| matches!(c, '-' | '+' | ' ' | '#' | '0')) {
        match flag {
            '-' => spec.left = true,
            '+' => spec.sign = true,
            ' ' => spec.blank = true,
            '#' => spec.alternate = true,
            _ => spec.zero = true,
        }
    }
    spec.width = columns(cursor, arg, "width too big")?;
    if cursor.next_if(|c| c == '.').is_some() {
        spec.precision = columns(cursor, arg, "precision too big")?.or(Some(0));
    }
    Ok(spec)
}

/// A width or a precision, if there is one.
fn columns(
    cursor: &mut Cursor<'_>,
    arg: &mut Operand<'_>,
    too_big: &str,
) -> Result<Option<usize>, Trouble> {
    if cursor.next_if(|c| c == '*').is_some() {
        // The star takes the value that the name stands for, and then none is left to convert.
        return match std::mem::replace(arg, Operand::Nothing) {
            Operand::Named(Arg::Number(_)) => Ok(None),
            Operand::Named(Arg::Text(_)) | Operand::Mapping => Err("* wants int".into()),
            Operand::Nothing => Err(TOO_FEW.into()),
        };
    }
    let mut columns = None;
    while let Some(digit) = cursor.next_if(|c| c.is_ascii_digit()) {
        let digit = digit as usize - '0' as usize;
        let more = columns.unwrap_or(0) * 10 + digit;
        if more > WIDEST {
            return Err(too_big.into());
        }
        columns = Some(more);
    }
    Ok(columns)
}

fn is_numeric(letter: char) -> bool {
    !matches!(letter, 's' | 'r' | 'a' | 'c')
}

/// What a value looks like: its sign, its `0x` or `0o`, and the rest.
type Converted = (Option<char>, &'static str, String);

fn converted(letter: char, arg: &Arg, spec: &Spec) -> Result<Converted, Trouble> {
    match letter {
        's' => Ok(text(&arg.to_string(), spec)),
        'r' | 'a' => Ok(text(&represented(letter, arg), spec)),
        'c' => Ok((None, "", character(arg)?.to_string())),
        'd' | 'i' | 'u' | 'o' | 'x' | 'X' => match arg {
            Arg::Number(number) => Ok(integer(letter, *number, spec)),
            Arg::Text(_) if matches!(letter, 'o' | 'x' | 'X') => Err(Trouble::BadFormat(format!(
                "%{letter} format: an integer is required, not str"
            ))),
            Arg::Text(_) => Err(Trouble::BadFormat(format!(
                "%{letter} format: a real number is required, not str"
            ))),
        },
        _ => match arg {
            Arg::Number(number) => Ok(float(letter, *number, spec)),
            Arg::Text(_) => Err("must be real number, not str".into()),
        },
    }
}

fn text(text: &str, spec: &Spec) -> Converted {
    let kept = spec.precision.unwrap_or(usize::MAX);
    (None, "", text.chars().take(kept).collect())
}

fn represented(letter: char, arg: &Arg) -> String {
    match arg {
        Arg::Number(number) => number.to_string(),
        Arg::Text(text) if letter == 'r' => repr(text),
        Arg::Text(text) => ascii(text),
    }
}

fn character(arg: &Arg) -> Result<char, Trouble> {
    match arg {
        Arg::Text(text) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => Ok(only),
                _ => Err("%c requires int or char".into()),
            }
        }
        Arg::Number(number) => u32::try_from(*number)
            .ok()
            .and_then(char::from_u32)
            .ok_or_else(|| "%c arg not in range(0x110000)".into()),
    }
}

fn sign_of(negative: bool, spec: &Spec) -> Option<char> {
    match (negative, spec) {
        (true, _) => Some('-'),
        (false, Spec { sign: true, .. }) => Some('+'),
        (false, Spec { blank: true, .. }) => Some(' '),
        (false, _) => None,
    }
}

fn integer(letter: char, number: i64, spec: &Spec) -> Converted {
    let size = number.unsigned_abs();
    let (prefix, digits) = match letter {
        'o' => ("0o", format!("{size:o}")),
        'x' => ("0x", format!("{size:x}")),
        'X' => ("0X", format!("{size:X}")),
        _ => ("", size.to_string()),
    };
    let prefix = if spec.alternate { prefix } else { "" };
    let least = spec.precision.unwrap_or(0);
    (
        sign_of(number < 0, spec),
        prefix,
        format!("{digits:0>least$}"),
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Python's float(number) rounds as well"
)]
fn float(letter: char, number: i64, spec: &Spec) -> Converted {
    let size = number.unsigned_abs() as f64;
    let precision = spec.precision.unwrap_or(6);
    let body = match letter {
        'f' | 'F' => fixed(size, precision, spec.alternate),
        'e' | 'E' => scientific(size, precision, spec.alternate),
        _ => general(size, precision.max(1), spec.alternate),
    };
    let body = if letter.is_ascii_uppercase() {
        body.to_uppercase()
    } else {
        body
    };
    (sign_of(number < 0, spec), "", body)
}

fn fixed(size: f64, precision: usize, alternate: bool) -> String {
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{size:.precision$}{point}")
}

/// `1.5e+03`: at least two digits in the exponent.
fn scientific(size: f64, precision: usize, alternate: bool) -> String {
    let text = format!("{size:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if alternate && precision == 0 { "." } else { "" };
    // A whole number's exponent is never negative.
    format!("{digits}{point}e+{exponent:0>2}")
}

/// The shorter of the two, with this many digits that count, and without zeros at the end.
fn general(size: f64, digits: usize, alternate: bool) -> String {
    let rounded = format!("{size:.*e}", digits - 1);
    let exponent: usize = rounded
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    let text = if exponent < digits {
        fixed(size, digits - 1 - exponent, alternate)
    } else {
        scientific(size, digits - 1, alternate)
    };
    if alternate {
        return text;
    }
    let (number, exponent) = match text.find('e') {
        Some(at) => text.split_at(at),
        None => (text.as_str(), ""),
    };
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    format!("{number}{exponent}")
}

/// Appends a converted value, filled up to its width: with zeros between sign and digits, or with
/// blanks on either side.
fn pad(
    filled: &mut String,
    spec: &Spec,
    sign: Option<char>,
    prefix: &str,
    body: &str,
    numeric: bool,
) {
    let columns = usize::from(sign.is_some()) + prefix.len() + body.chars().count();
    let missing = spec.width.unwrap_or(0).saturating_sub(columns);
    let zeros = numeric && spec.zero && !spec.left;
    if !zeros && !spec.left {
        filled.extend(std::iter::repeat_n(' ', missing));
    }
    filled.extend(sign);
    filled.push_str(prefix);
    if zeros {
        filled.extend(std::iter::repeat_n('0', missing));
    }
    filled.push_str(body);
    if spec.left {
        filled.extend(std::iter::repeat_n(' ', missing));
    }
}

#[cfg(test)]
#[path = "percent_tests.rs"]
mod tests;
