//! Percent-encoding: paths, queries and the bodies of forms.

/// The first value of each name in `a=b&c=d`. Values that are not UTF-8 have U+FFFD in them.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query or a body. Everything is a form; one without `=` has no values.
    pub(super) fn parse(text: &str) -> Self {
        Self(
            text.split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (field(name), field(value)))
                .collect(),
        )
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn field(text: &str) -> String {
    String::from_utf8_lossy(&decode(&text.replace('+', " "))).into_owned()
}

/// Decodes `%41`; what is not two hexadecimal digits after a `%` stays as it is.
pub(super) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |place: usize| char::from(*bytes.get(place)?).to_digit(16);
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or(byte));
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    out
}

/// Encodes all but letters, digits and `-._~`, so that the text may stand anywhere in an URL.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_goes_there_and_back() {
        let check = |text: &str, encoded: &str| {
            assert_eq!(encode(text), encoded);
            assert_eq!(decode(encoded), text.as_bytes());
        };
        check("a-b._~9", "a-b._~9");
        check("g:ä/ &\r\n", "g%3A%C3%A4%2F%20%26%0D%0A");
    }

    #[test]
    fn what_is_not_encoded_stays_as_it_is() {
        let check = |text, decoded: &[u8]| assert_eq!(decode(text), decoded, "{text}");
        check("%", b"%");
        check("%4", b"%4");
        check("%4g%zz%", b"%4g%zz%");
        check("%41%ff%00", b"A\xFF\0");
        check("%+1", b"%+1");
        check("ä%", "ä%".as_bytes());
    }

    #[test]
    fn a_form_gives_the_first_value_of_a_name() {
        let form = Form::parse("action=stop&processname=g%3Aa+b&action=start&=x&flag&e=");
        assert_eq!(form.get("action"), Some("stop"));
        assert_eq!(form.get("processname"), Some("g:a b"));
        assert_eq!(form.get("flag"), None);
        assert_eq!(form.get("e"), Some(""));
        assert!(Form::parse("").get("").is_none());
    }
}
