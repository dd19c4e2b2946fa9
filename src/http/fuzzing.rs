//! Doors for the fuzz targets in `fuzz/`; not there in any other build.

use super::bounds::MAX_HEADERS;
use super::form::{Form, decode, encode};
use super::head::HeadCheck;
use super::html::escape;
use super::route::{Route, route};

/// Finds a route. A log's name must never lead into a folder.
pub fn find_route(method: &str, path: &str) {
    if let Route::LogTail { name, .. } = route(method, path) {
        assert!(!name.contains('/'), "{name}");
    }
    assert_eq!(decode(&encode(path)), path.as_bytes());
    assert!(!escape(path).contains(['<', '>', '"', '\'']));
    for name in ["action", "processname", "limit", "message", "token"] {
        Form::parse(path).get(name);
    }
}

/// Whether the bytes, fed in pieces of a size, pass as heads and bodies of requests.
pub fn passes(bytes: &[u8], size: usize) -> bool {
    let mut check = HeadCheck::new();
    bytes
        .chunks(size.max(1))
        .all(|piece| check.feed(piece).is_ok())
}

/// As many headers as hyper is told to take.
pub const fn max_headers() -> usize {
    MAX_HEADERS
}
