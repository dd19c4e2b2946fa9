//! Numbers as Python reads them, because config files and command lines were written for it; and
//! written quickly.

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

/// Hands a whole number to `take` as people write it. The library's formatter does more and takes
/// ten times as long, which is what most of an answer with a thousand processes went into.
pub fn decimal<T>(number: i64, take: impl FnOnce(&[u8]) -> T) -> T {
    // The smallest has nineteen digits and a sign.
    let mut room = [0; 20];
    let mut at = room.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        room[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        room[at] = b'-';
    }
    take(&room[at..])
}

#[cfg(test)]
mod tests {
    use super::{decimal, python_int};

    #[test]
    fn a_number_is_written_as_the_library_writes_it() {
        for number in [0, 7, -7, 10, 1_234_567_890, i64::MAX, i64::MIN] {
            let written = decimal(number, <[u8]>::to_vec);
            assert_eq!(written, number.to_string().into_bytes());
        }
    }

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
