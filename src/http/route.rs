//! Which of our few resources a request asks for. Nothing is ever looked up in a file system.

use super::form::decode;
use crate::model::state::Channel;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// An XML-RPC call.
    Rpc,
    /// An endless tail of a process's log.
    LogTail {
        /// The process, as its namespec.
        name: String,
        /// Which of its streams.
        channel: Channel,
    },
    /// An endless tail of the main log.
    MainLogTail,
    /// The status page.
    Status,
    /// An action of the status page.
    Act,
    /// The page with the end of a log.
    Tail,
    /// `OK`, for those who look whether we are there.
    Ok,
    /// The stylesheet of the pages.
    Stylesheet,
    /// There is such a thing, but not with this method.
    WrongMethod,
    /// There is no such thing.
    Nothing,
}

impl Route {
    /// Whether it is a page for people, which other pages must not use behind their back.
    pub(super) fn is_page(&self) -> bool {
        match self {
            Self::Status | Self::Act | Self::Tail => true,
            Self::Rpc
            | Self::LogTail { .. }
            | Self::MainLogTail
            | Self::Ok
            | Self::Stylesheet
            | Self::WrongMethod
            | Self::Nothing => false,
        }
    }
}

/// Finds the route of a method and the path of an URL, still percent-encoded. The order and the
/// prefixes are the original's: any path that begins with `/RPC2` is for calls.
pub(super) fn route(method: &str, path: &str) -> Route {
    let Ok(path) = String::from_utf8(decode(path)) else {
        return Route::Nothing;
    };
    let reads = matches!(method, "GET" | "HEAD");
    if path.starts_with("/RPC2") {
        return when(method == "POST", Route::Rpc);
    }
    if path.starts_with("/logtail") {
        return when(method == "GET", log_tail(&path));
    }
    if path.starts_with("/mainlogtail") {
        return when(method == "GET", Route::MainLogTail);
    }
    match path.trim_start_matches('/') {
        "" | "index.html" if method == "POST" => Route::Act,
        "" | "index.html" => when(reads, Route::Status),
        "tail.html" => when(reads, Route::Tail),
        "ok.html" => when(reads || method == "POST", Route::Ok),
        "stylesheets/supervisor.css" => when(reads, Route::Stylesheet),
        _ => when(reads, Route::Nothing),
    }
}

fn when(right_method: bool, route: Route) -> Route {
    if right_method {
        route
    } else {
        Route::WrongMethod
    }
}

/// `/logtail/NAME` and `/logtail/NAME/stderr`.
fn log_tail(path: &str) -> Route {
    let Some((_, rest)) = path.trim_start_matches('/').split_once('/') else {
        return Route::Nothing;
    };
    let (name, channel) = match rest.split_once('/') {
        None => (rest, Channel::Stdout),
        Some((name, "stdout")) => (name, Channel::Stdout),
        Some((name, "stderr")) => (name, Channel::Stderr),
        Some(_) => return Route::Nothing,
    };
    Route::LogTail {
        name: name.to_owned(),
        channel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, expected: impl Into<Option<Route>>) {
        assert_eq!(
            Some(route(method, path)),
            expected.into(),
            "{method} {path}"
        );
    }

    fn tail(name: &str, channel: Channel) -> Route {
        Route::LogTail {
            name: name.to_owned(),
            channel,
        }
    }

    #[test]
    fn calls_are_posted_to_any_path_that_begins_with_rpc2() {
        check("POST", "/RPC2", Route::Rpc);
        check("POST", "/RPC2/", Route::Rpc);
        check("POST", "/RPC2../../etc", Route::Rpc);
        check("POST", "/%52PC2", Route::Rpc);
        check("GET", "/RPC2", Route::WrongMethod);
        check("HEAD", "/RPC2", Route::WrongMethod);
        check("POST", "/rpc2", Route::WrongMethod);
        check("POST", "//RPC2", Route::WrongMethod);
    }

    #[test]
    fn a_log_is_named_by_its_process_and_stream() {
        check("GET", "/logtail/cat", tail("cat", Channel::Stdout));
        check(
            "GET",
            "/logtail/g:cat/stderr",
            tail("g:cat", Channel::Stderr),
        );
        check("GET", "/logtail/g%3Aa%20b", tail("g:a b", Channel::Stdout));
        check("GET", "/logtail/..%2fx", Route::Nothing);
        check("GET", "/logtail/cat/stdout/x", Route::Nothing);
        check("GET", "/logtail/cat/", Route::Nothing);
        check("GET", "/logtail", Route::Nothing);
        check("GET", "/logtail/%ff", Route::Nothing);
        check("POST", "/logtail/cat", Route::WrongMethod);
        check("GET", "/mainlogtail", Route::MainLogTail);
        check("GET", "/mainlogtail/x", Route::MainLogTail);
    }

    #[test]
    fn pages_are_read_and_acted_on() {
        check("GET", "/", Route::Status);
        check("HEAD", "/", Route::Status);
        check("GET", "/index.html", Route::Status);
        check("POST", "/", Route::Act);
        check("POST", "/index.html", Route::Act);
        check("GET", "/tail.html", Route::Tail);
        check("POST", "/tail.html", Route::WrongMethod);
        check("GET", "/ok.html", Route::Ok);
        check("PUT", "/", Route::WrongMethod);
        check("DELETE", "/nothing", Route::WrongMethod);
    }

    #[test]
    fn no_path_leads_out_of_the_few_that_are_known() {
        for path in [
            "/../../etc/passwd",
            "/stylesheets/../x",
            "/stylesheets/",
            "/index.html/",
            "/.",
            "*",
            "",
        ] {
            let expected = if path.is_empty() {
                Route::Status
            } else {
                Route::Nothing
            };
            check("GET", path, expected);
        }
    }

    #[test]
    fn no_path_is_too_strange() {
        let alphabet: Vec<char> = "/%2fRPClogtaimn.:*?;#\\+ 0\0ä\u{FFFD}".chars().collect();
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut path = String::new();
            for _ in 0..(state % 23) {
                // Knuth's linear congruential generator: any path will do.
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let place = usize::try_from(state >> 33).unwrap_or(0) % alphabet.len();
                path.push(alphabet[place]);
            }
            state = state.wrapping_add(7);
            if let Route::LogTail { name, .. } = route("GET", &path) {
                assert!(!name.contains('/'), "{path}");
            }
        }
    }
}
