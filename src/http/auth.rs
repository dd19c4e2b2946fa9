//! Who may ask: HTTP Basic authentication (RFC 7617), as the original checks it.

use crate::config::Credentials;
use crate::rpc::xml::base64_decode;
use sha1_smol::Sha1;

/// What a server asks for. Knows only digests, so that comparing takes the same time whatever
/// was sent, its length included.
pub(super) struct Guard {
    username: [u8; 20],
    password: Password,
}

enum Password {
    /// The digest of a password that the config holds as text.
    Text([u8; 20]),
    /// `{SHA}`: the digest of the hexadecimal digits that the config holds.
    Hashed([u8; 20]),
}

impl Guard {
    /// A guard who knows these credentials.
    pub(super) fn new(credentials: &Credentials) -> Self {
        let password = match credentials.password.strip_prefix("{SHA}") {
            Some(digits) => Password::Hashed(digest(digits.as_bytes())),
            None => Password::Text(digest(credentials.password.as_bytes())),
        };
        Self {
            username: digest(credentials.username.as_bytes()),
            password,
        }
    }

    /// Whether the value of an `Authorization` header tells the name and the password.
    pub(super) fn admits(&self, header: Option<&[u8]>) -> bool {
        let Some((username, password)) = header.and_then(basic) else {
            return false;
        };
        let password = match &self.password {
            Password::Text(known) => same(&digest(&password), known),
            Password::Hashed(known) => {
                let digits = Sha1::from(&password).digest().to_string();
                same(&digest(digits.as_bytes()), known)
            }
        };
        // Not `&&`: whether the name was right is not to be seen in the time it takes.
        same(&digest(&username), &self.username) & password
    }
}

/// The name and the password in `Basic …`.
fn basic(header: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let header = std::str::from_utf8(header).ok()?;
    let (scheme, rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut username = base64_decode(rest.trim())?;
    let colon = username.iter().position(|&byte| byte == b':')?;
    let password = username.split_off(colon + 1);
    username.pop();
    Some((username, password))
}

fn digest(bytes: &[u8]) -> [u8; 20] {
    Sha1::from(bytes).digest().bytes()
}

/// Compares without stopping at the first difference.
fn same(a: &[u8; 20], b: &[u8; 20]) -> bool {
    let difference = a.iter().zip(b).fold(0, |seen, (x, y)| seen | (x ^ y));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::xml::base64_encode;

    fn check(password: &str, header: Option<&str>, admitted: bool) {
        let guard = Guard::new(&Credentials {
            username: "u".to_owned(),
            password: password.to_owned(),
        });
        assert_eq!(
            guard.admits(header.map(str::as_bytes)),
            admitted,
            "{header:?}"
        );
    }

    fn basic_of(pair: &str) -> String {
        format!("Basic {}", base64_encode(pair.as_bytes()))
    }

    #[test]
    fn only_the_right_name_and_password_are_admitted() {
        check("p:q", Some(&basic_of("u:p:q")), true);
        check("p", Some(&basic_of("u:p").replace("Basic", "bASIC")), true);
        for wrong in [
            "u:", "u:P", "U:p", "u:p ", ":p", "u", "", "up", "u:pp", "v:p",
        ] {
            check("p", Some(&basic_of(wrong)), false);
        }
    }

    #[test]
    fn a_hashed_password_is_known_by_its_digest_only() {
        let hashed = "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d";
        check(hashed, Some(&basic_of("u:thepassword")), true);
        check(
            hashed,
            Some(&basic_of("u:82ab876d1387bfafe46cc1c8a2ef074eae50cb1d")),
            false,
        );
        check(hashed, Some(&basic_of(&format!("u:{hashed}"))), false);
    }

    #[test]
    fn a_header_that_is_not_basic_authentication_is_refused() {
        check("p", None, false);
        for wrong in [
            "",
            "Basic",
            "Basic ",
            "Basic !!",
            "Digest dTpw",
            "dTpw",
            "Basic dTpw dTpw x",
        ] {
            check("p", Some(wrong), false);
        }
    }
}
