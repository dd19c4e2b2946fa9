//! The machine, as the config asks about it.

use crate::config::Host;
use crate::sys::users;

/// Answers from the machine's own data bases.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Host for Machine {
    fn uid_of_name(&self, name: &str) -> Option<u32> {
        users::uid_of_name(name)
    }

    fn gid_of_uid(&self, uid: u32) -> Option<u32> {
        users::gid_of_uid(uid)
    }

    fn gid_of_name(&self, name: &str) -> Option<u32> {
        users::gid_of_name(name)
    }

    fn has_gid(&self, gid: u32) -> bool {
        users::has_gid(gid)
    }

    fn home_of(&self, name: Option<&str>) -> Option<String> {
        users::home_of(name)
    }

    fn own_uid(&self) -> u32 {
        users::own_uid()
    }

    fn node_name(&self) -> String {
        users::node_name()
    }
}
