//! Any bytes as the first head of a connection: what we let pass, hyper's parser takes as well,
//! and in whatever pieces it comes.

#![no_main]

use httparse::{EMPTY_HEADER, Request, Status};
use libfuzzer_sys::fuzz_target;
use supervisord::http::fuzzing::{max_headers, passes};

fuzz_target!(|bytes: &[u8]| {
    // In a line that is not complete hyper may see a flaw before us.
    let end = bytes.iter().rposition(|&byte| byte == b'\n');
    let bytes = &bytes[..end.map_or(0, |end| end + 1)];
    let at_once = passes(bytes, bytes.len());
    assert_eq!(at_once, passes(bytes, 1), "pieces matter");
    if !at_once {
        return;
    }
    let mut headers = vec![EMPTY_HEADER; max_headers()];
    let mut request = Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Status::Partial) => {}
        Ok(Status::Complete(_)) => {
            let lengths = request
                .headers
                .iter()
                .filter(|header| header.name.eq_ignore_ascii_case("content-length"));
            assert!(lengths.count() <= 1, "two lengths pass");
        }
        Err(why) => panic!("hyper refuses what passes: {why}"),
    }
});
