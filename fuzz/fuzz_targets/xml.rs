//! Any bytes as a call and as an answer: taken or refused, and what is taken survives being
//! written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use supervisord::rpc::xml::{read_call, read_response, write_call};

fuzz_target!(|bytes: &[u8]| {
    // What is wrong can be said.
    let _ = read_response(bytes).map_err(|why| why.to_string());
    let Ok(call) = read_call(bytes).map_err(|why| why.to_string()) else {
        return;
    };
    let written = write_call(&call.method, &call.params);
    let again = read_call(&written).expect("what we write can be read");
    // By its text: NaN is not equal to itself.
    assert_eq!(format!("{call:?}"), format!("{again:?}"));
});
