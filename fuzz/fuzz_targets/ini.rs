//! Any bytes as a config file: a config, or a sentence why not.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::path::Path;
use supervisord::config::{Diff, Host, LoadRequest, Overrides, load_bytes};

struct Machine;

impl Host for Machine {
    fn uid_of_name(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }
    fn gid_of_uid(&self, uid: u32) -> Option<u32> {
        (uid == 0).then_some(0)
    }
    fn gid_of_name(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }
    fn has_gid(&self, gid: u32) -> bool {
        gid == 0
    }
    fn home_of(&self, _: Option<&str>) -> Option<String> {
        Some("/root".to_owned())
    }
    fn own_uid(&self) -> u32 {
        0
    }
    fn node_name(&self) -> String {
        "box".to_owned()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let env = BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]);
    let request = LoadRequest {
        path: "/etc/supervisord.conf",
        overrides: &Overrides::default(),
        env: &env,
        cwd: Path::new("/"),
    };
    let read = || load_bytes(bytes.to_vec(), &request, &Machine);
    match (read(), read()) {
        (Ok(one), Ok(other)) => {
            assert_eq!(Diff::between(one.groups.iter(), &other), Diff::default());
        }
        (one, other) => assert_eq!(one.is_err(), other.is_err()),
    }
});
