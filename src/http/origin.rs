//! Whether a browser was sent to us by somebody else's page.
//!
//! Two ways lead a person's browser here against their will. Another site's page may post a form
//! to us: then `Origin` names that site. Or a stranger lets a name of theirs point at our address
//! (DNS rebinding), and the browser takes us for the stranger's own site: then `Host` is that
//! name. Names a stranger cannot own are addresses, names without a dot, and the endings kept for
//! local use. Where a password is asked for, the browser has none for the stranger's name.

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN, USER_AGENT};
use std::net::IpAddr;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Endings of names that nobody can register (RFC 6761, RFC 6762, RFC 8375 and ICANN's
/// `internal`), and the one that routers use for homes.
const LOCAL_ENDINGS: [&str; 5] = [".localhost", ".local", ".internal", ".home.arpa", ".lan"];

/// Whether the request names us in a way that a stranger's page cannot.
pub(super) fn host_is_ours(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let Some(host) = authority.or_else(|| text(headers, &HOST)) else {
        // No browser leaves it out.
        return true;
    };
    is_local_name(without_port(host))
}

/// Whether a form that was posted comes from a page of ours.
pub(super) fn origin_is_ours(headers: &HeaderMap) -> bool {
    if headers.contains_key(FETCH_SITE)
        && !matches!(text(headers, &FETCH_SITE), Some("same-origin" | "none"))
    {
        return false;
    }
    if !headers.contains_key(ORIGIN) {
        // Browsers name it with every form that is posted; others hold no one's password.
        return true;
    }
    let Some((_, origin)) = text(headers, &ORIGIN).and_then(|origin| origin.split_once("://"))
    else {
        return false;
    };
    // A proxy may have told us our own name and the browser's apart.
    [&HOST, &FORWARDED_HOST]
        .into_iter()
        .filter_map(|name| text(headers, name))
        .any(|host| host.eq_ignore_ascii_case(origin))
}

/// Whether the request bears a mark of a browser. Scripts in pages cannot take them off from
/// what they post.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN)
        || headers.contains_key(FETCH_SITE)
        || text(headers, &USER_AGENT).is_some_and(|agent| agent.starts_with("Mozilla/"))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

fn is_local_name(name: &str) -> bool {
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    if address.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    !name.contains('.') || LOCAL_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|&(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn a_host_that_a_stranger_could_own_is_not_ours() {
        let check = |host, ours| {
            assert_eq!(
                host_is_ours(&headers(&[("host", host)]), None),
                ours,
                "{host}"
            );
        };
        for host in [
            "127.0.0.1:9001",
            "192.168.1.5",
            "[::1]:9001",
            "::1",
            "localhost:9001",
            "LOCALHOST.",
            "web:9001",
            "box.local",
            "a.b.home.arpa:80",
            "",
        ] {
            check(host, true);
        }
        for host in [
            "evil.example:9001",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example.",
            "evil.example:x",
            "local.evil",
        ] {
            check(host, false);
        }
        assert!(host_is_ours(&headers(&[]), None));
        assert!(!host_is_ours(
            &headers(&[("host", "localhost")]),
            Some("evil.example")
        ));
    }

    #[test]
    fn a_form_of_another_page_is_known_by_its_origin() {
        let check = |pairs, ours| assert_eq!(origin_is_ours(&headers(pairs)), ours, "{pairs:?}");
        check(&[("host", "a:9001")], true);
        check(&[("host", "a:9001"), ("origin", "http://a:9001")], true);
        check(&[("host", "a"), ("origin", "https://A")], true);
        check(&[("host", "a:9001"), ("origin", "http://a")], false);
        check(
            &[("host", "a:9001"), ("origin", "http://evil.example")],
            false,
        );
        check(&[("host", "a:9001"), ("origin", "null")], false);
        check(
            &[
                ("host", "127.0.0.1:9001"),
                ("x-forwarded-host", "pub.example"),
                ("origin", "https://pub.example"),
            ],
            true,
        );
        check(&[("host", "a"), ("sec-fetch-site", "cross-site")], false);
        check(&[("host", "a"), ("sec-fetch-site", "same-site")], false);
        check(&[("host", "a"), ("sec-fetch-site", "same-origin")], true);
    }

    #[test]
    fn a_browser_is_known_by_what_it_cannot_hide() {
        let check = |pairs, browser| assert_eq!(is_browser(&headers(pairs)), browser, "{pairs:?}");
        check(
            &[
                ("user-agent", "Python-xmlrpc/3.11"),
                ("host", "evil.example"),
            ],
            false,
        );
        check(&[("user-agent", "Mozilla/5.0 (X11)")], true);
        check(&[("origin", "null")], true);
        check(&[("sec-fetch-site", "none")], true);
    }
}
