//! What a single value means: numbers, sizes, switches, signals, users, addresses, paths. Each
//! function is one kind of value of the original's `datatypes.py`; an error is its sentence, to
//! which the callers add the place.

use super::host::Host;
use super::paths::{Surroundings, dirname};
use super::types::{AutoRestart, LogLevel};
use crate::model::envelope::PayloadLength;
use crate::model::logstyle::{Compression, Format, Period};
use crate::model::number::python_int;
use crate::model::signal::Signal;
use crate::model::text::{repr, strip};
use std::path::PathBuf;

/// The name of a program, group or process, without white space around it. Blanks, colons and
/// slashes are refused: they would break namespecs and the events' header.
pub(super) fn name(text: &str) -> Result<String, String> {
    let name = strip(text);
    match [' ', ':', '/'].into_iter().find(|&c| name.contains(c)) {
        None => Ok(name.to_owned()),
        Some(c) => Err(format!(
            "Invalid name: {} because of character: '{c}'",
            repr(text)
        )),
    }
}

/// A whole number as Python's `int` reads it. What 64 bits cannot hold is the nearest that they
/// can, as Python knows no bounds.
pub fn integer(text: &str) -> Result<i64, String> {
    python_int(text)
        .or_else(|| saturated(text))
        .ok_or_else(|| format!("invalid literal for int() with base 10: {}", repr(text)))
}

/// The bound that a number went over, if it is a number.
fn saturated(text: &str) -> Option<i64> {
    let text = strip(text);
    let (digits, bound) = match text.strip_prefix('-') {
        Some(digits) => (digits, i64::MIN),
        None => (text.strip_prefix('+').unwrap_or(text), i64::MAX),
    };
    digits
        .split('_')
        .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(bound)
}

/// A number of bytes, with `KB`, `MB` or `GB` behind it or nothing; negative ones are read too.
pub fn byte_size(text: &str) -> Result<i64, String> {
    let text = text.to_lowercase();
    for (suffix, unit) in [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)] {
        if let Some(count) = text.strip_suffix(suffix) {
            return Ok(integer(count)?.saturating_mul(unit));
        }
    }
    integer(&text)
}

/// A switch.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    switch(text).ok_or_else(|| format!("not a valid boolean value: {}", repr(text)))
}

fn switch(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// When to start again.
pub(super) fn auto_restart(text: &str) -> Result<AutoRestart, String> {
    let text = text.to_lowercase();
    match switch(&text) {
        Some(true) => Ok(AutoRestart::Always),
        Some(false) => Ok(AutoRestart::Never),
        None if text == "unexpected" => Ok(AutoRestart::Unexpected),
        None => Err(format!("invalid 'autorestart' value {}", repr(&text))),
    }
}

/// What the length of an event's payload counts.
pub(super) fn payload_length(text: &str) -> Result<PayloadLength, String> {
    match text.to_lowercase().as_str() {
        "characters" => Ok(PayloadLength::Characters),
        "bytes" => Ok(PayloadLength::Bytes),
        _ => Err(format!(
            "invalid 'payload_length' value {}, it is 'characters' or 'bytes'",
            repr(text)
        )),
    }
}

/// The form of a log's lines.
pub(super) fn log_format(text: &str) -> Result<Format, String> {
    match text.to_lowercase().as_str() {
        "raw" => Ok(Format::Raw),
        "timestamp" => Ok(Format::Timestamp),
        "json" => Ok(Format::Json),
        _ => Err(format!(
            "invalid log format {}, it is 'raw', 'timestamp' or 'json'",
            repr(text)
        )),
    }
}

/// After which span of the calendar a log is rotated.
pub(super) fn log_period(text: &str) -> Result<Period, String> {
    match text.to_lowercase().as_str() {
        "daily" => Ok(Period::Day),
        "hourly" => Ok(Period::Hour),
        _ => Err(format!(
            "invalid time of rotation {}, it is 'daily' or 'hourly'",
            repr(text)
        )),
    }
}

/// What older logs are compressed with.
pub(super) fn log_compression(text: &str) -> Result<Compression, String> {
    match text.to_lowercase().as_str() {
        "gzip" => Ok(Compression::Gzip),
        "zstd" => Ok(Compression::Zstd),
        _ => Err(format!(
            "invalid compression {}, it is 'gzip' or 'zstd'",
            repr(text)
        )),
    }
}

/// Words between commas, without white space around them; none in an empty text.
pub(super) fn list(text: &str) -> Vec<&str> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(strip).collect()
}

/// Exit codes between commas.
pub(super) fn exit_codes(text: &str) -> Result<Vec<u8>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let code = |word| integer(word).ok().and_then(|code| u8::try_from(code).ok());
    text.split(',')
        .map(code)
        .collect::<Option<_>>()
        .ok_or_else(|| format!("not a valid list of exit codes: {}", repr(text)))
}

/// A signal by name or number.
pub(super) fn signal(text: &str) -> Result<Signal, String> {
    Signal::parse(text).ok_or_else(|| {
        let kind = if integer(text).is_ok() {
            "number"
        } else {
            "name"
        };
        format!("value {} is not a valid signal {kind}", repr(text))
    })
}

/// Permission bits in octal, with or without `0o`. Bits beyond 0o7777, which the system ignores,
/// are dropped.
pub fn octal(text: &str) -> Result<u32, String> {
    octal_number(text).ok_or_else(|| format!("{text} can not be converted to an octal type"))
}

fn octal_number(text: &str) -> Option<u32> {
    let text = strip(text);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = match digits
        .strip_prefix("0o")
        .or_else(|| digits.strip_prefix("0O"))
    {
        // Python allows one underscore after the prefix.
        Some(digits) => digits.strip_prefix('_').unwrap_or(digits),
        None => digits,
    };
    let mut value = 0_u32;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for c in group.chars() {
            value = (value << 3 | c.to_digit(8)?) & 0o7777;
        }
    }
    Some(if negative {
        value.wrapping_neg() & 0o7777
    } else {
        value
    })
}

/// A level of the main log by its name, in any case.
pub fn log_level(text: &str) -> Result<LogLevel, String> {
    Ok(match text.to_lowercase().as_str() {
        "critical" => LogLevel::Critical,
        "error" => LogLevel::Error,
        "warn" => LogLevel::Warn,
        "info" => LogLevel::Info,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        "blather" => LogLevel::Blather,
        _ => return Err(format!("bad logging level name {}", repr(text))),
    })
}

/// A URL for `supervisorctl`: it has a scheme, and something behind it.
pub fn url(text: &str) -> Result<String, String> {
    let valid = text.split_once(':').is_some_and(|(scheme, rest)| {
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !matches!(rest, "" | "//")
    });
    if valid {
        Ok(text.to_owned())
    } else {
        Err(format!("value {} is not a URL", repr(text)))
    }
}

/// A directory that is there, with `~` replaced.
pub fn existing_directory(text: &str, around: Surroundings<'_>) -> Result<PathBuf, String> {
    let path = around.expand_user(text);
    if around.is_dir(&path) {
        Ok(path.into())
    } else {
        Err(format!("{text} is not an existing directory"))
    }
}

/// A path in a directory that is there, with `~` replaced.
pub fn existing_dirpath(text: &str, around: Surroundings<'_>) -> Result<String, String> {
    let path = around.expand_user(text);
    match dirname(&path) {
        directory if directory.is_empty() || around.is_dir(directory) => Ok(path),
        _ => Err(format!(
            "The directory named as part of the path {text} does not exist"
        )),
    }
}

/// A user by name or uid.
pub(super) fn uid(text: &str, host: &dyn Host) -> Result<u32, String> {
    match integer(text) {
        Ok(number) => u32::try_from(number)
            .ok()
            .filter(|&uid| host.gid_of_uid(uid).is_some())
            .ok_or_else(|| format!("Invalid user id {text}")),
        Err(_) => host
            .uid_of_name(text)
            .ok_or_else(|| format!("Invalid user name {text}")),
    }
}

/// The owner of a socket, `user` or `user:group`; none if either is unknown.
pub(super) fn owner(text: &str, host: &dyn Host) -> Option<(u32, Option<u32>)> {
    match text.split_once(':') {
        None => Some((uid(text, host).ok()?, None)),
        Some((user, group)) => Some((uid(user, host).ok()?, Some(gid(group, host)?))),
    }
}

fn gid(text: &str, host: &dyn Host) -> Option<u32> {
    match integer(text) {
        Ok(number) => u32::try_from(number).ok().filter(|&gid| host.has_gid(gid)),
        Err(_) => host.gid_of_name(text),
    }
}

/// A port of TCP.
pub(super) fn port(text: &str) -> Result<u16, String> {
    let number = integer(text)?;
    match u16::try_from(number) {
        Ok(port @ 1..) => Ok(port),
        Ok(0) => Err("0 is below lower bound (1)".to_owned()),
        Err(_) if number < 0 => Err(format!("{number} is below lower bound (1)")),
        Err(_) => Err(format!("{number} is above upper bound (65535)")),
    }
}

/// `host:port` or `port`: the host in lower case, empty where it is `*` or missing.
pub(super) fn inet_address(text: &str) -> Result<(String, u16), String> {
    let Some((host, number)) = text.rsplit_once(':') else {
        let port = port(text).map_err(|_| format!("not a valid port number: {} ", repr(text)))?;
        return Ok((String::new(), port));
    };
    if number.is_empty() {
        return Err("no port number specified in ''".to_owned());
    }
    let port = port(number)?;
    let host = if host == "*" { "" } else { host };
    Ok((host.to_lowercase(), port))
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
