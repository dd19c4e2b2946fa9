//! Values of the options about restarts that the original does not have.

use super::types::{Aftermath, Growth, RestartLimit};
use super::values::integer;
use crate::model::process::Policy;
use crate::model::text::{repr, strip};
use std::time::Duration;

/// The longest wait that grows exponentially, where nobody says.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// More restarts than anybody limits anything to; each takes memory.
const MOST_RESTARTS: u32 = 10_000;

/// How waits grow.
pub(super) fn growth(text: &str) -> Result<Growth, String> {
    match text.to_lowercase().as_str() {
        "linear" => Ok(Growth::Linear),
        "exponential" => Ok(Growth::Exponential),
        _ => Err(format!("{} is neither linear nor exponential", repr(text))),
    }
}

/// A span of time of a second and more: seconds, or with `s`, `m` or `h` behind them.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{} is not a span of time such as 30, 30s, 10m or 1h",
            repr(text)
        )
    };
    let lower = strip(text).to_lowercase();
    let (number, unit) = match lower.char_indices().last() {
        Some((end, 's')) => (&lower[..end], 1),
        Some((end, 'm')) => (&lower[..end], 60),
        Some((end, 'h')) => (&lower[..end], 3600),
        Some(_) | None => (lower.as_str(), 1),
    };
    let number = integer(number).map_err(|_| wrong())?;
    if number < 1 {
        return Err(wrong());
    }
    Ok(Policy::seconds(number.saturating_mul(unit)))
}

/// So many restarts in a span of time, as `5/10m`.
pub(super) fn restart_limit(text: &str) -> Result<RestartLimit, String> {
    let wrong = || {
        format!(
            "{} is not a number of restarts and a span of time, such as 5/10m",
            repr(text)
        )
    };
    let (restarts, within) = text.split_once('/').ok_or_else(wrong)?;
    let restarts = integer(restarts)
        .ok()
        .and_then(|restarts| u32::try_from(restarts).ok())
        .filter(|&restarts| restarts <= MOST_RESTARTS)
        .ok_or_else(wrong)?;
    Ok(RestartLimit {
        restarts,
        within: span(within).map_err(|_| wrong())?,
    })
}

/// What follows for the daemon.
pub(super) fn aftermath(text: &str) -> Result<Aftermath, String> {
    match text.to_lowercase().as_str() {
        "none" => Ok(Aftermath::Stay),
        "shutdown" => Ok(Aftermath::Shutdown),
        _ => Err(format!("{} is neither shutdown nor none", repr(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: std::fmt::Debug>(read: Result<T, String>, expected: &str) {
        let shown = match read {
            Ok(value) => format!("{value:?}"),
            Err(sentence) => sentence,
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn spans_have_units() {
        for (text, expected) in [
            ("30", "30s"),
            ("30S", "30s"),
            (" 2m ", "120s"),
            ("1h", "3600s"),
        ] {
            check(span(text), expected);
        }
        for text in ["", "s", "0", "-1", "1d", "1.5m", "m1", "\u{fc}"] {
            let wrong = "is not a span of time such as 30, 30s, 10m or 1h";
            check(span(text), &format!("{} {wrong}", repr(text)));
        }
        assert!(span("9223372036854775807h").is_ok());
    }

    #[test]
    fn a_limit_is_a_number_in_a_span() {
        check(
            restart_limit("5/10m"),
            "RestartLimit { restarts: 5, within: 600s }",
        );
        check(
            restart_limit("0 / 30"),
            "RestartLimit { restarts: 0, within: 30s }",
        );
        for text in [
            "", "5", "/", "5/", "/10m", "-1/10m", "5/0", "10001/1h", "5/10m/3",
        ] {
            let wrong = "is not a number of restarts and a span of time, such as 5/10m";
            check(restart_limit(text), &format!("{} {wrong}", repr(text)));
        }
    }

    #[test]
    fn words_are_taken_in_any_case() {
        check(growth("Exponential"), "Exponential");
        check(growth("linear"), "Linear");
        check(growth("fast"), "'fast' is neither linear nor exponential");
        check(aftermath("Shutdown"), "Shutdown");
        check(aftermath("none"), "Stay");
        check(
            aftermath("restart"),
            "'restart' is neither shutdown nor none",
        );
    }
}
