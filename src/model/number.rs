//! Numbers as Python reads them, because config files and command lines were written for it.

/// Reads a whole number as Python's `int(text)` does: white space around it, a sign, leading
/// zeros, and single underscores between digits are fine. None where Python refuses, and for
/// what does not fit into 64 bits.
pub fn python_int(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let mut value: i64 = 0;
    let mut after_digit = false;
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                value = value.checked_mul(10)?;
                // Downwards, so that the smallest number fits.
                value = value.checked_sub(digit)?;
                after_digit = true;
            }
            b'_' if after_digit => after_digit = false,
            _ => return None,
        }
    }
    if !after_digit {
        return None;
    }
    if negative {
        Some(value)
    } else {
        value.checked_neg()
    }
}

#[cfg(test)]
mod tests {
    use super::python_int;

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, value) in [
            ("0", 0),
            ("007", 7),
            ("+3", 3),
            (" -12\t", -12),
            ("1_000", 1000),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(python_int(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in [
            "",
            " ",
            "-",
            "+-1",
            "1.0",
            "0x10",
            "_1",
            "1_",
            "1__0",
            "1 0",
            "9223372036854775808",
        ] {
            assert_eq!(python_int(text), None, "{text}");
        }
    }
}
