//! Any path, query or form: one of our few routes, and no way out of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use supervisord::http::fuzzing::find_route;

fuzz_target!(|text: &str| {
    for method in ["GET", "HEAD", "POST", "PUT"] {
        find_route(method, text);
    }
});
