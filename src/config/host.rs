//! What the config must know of the machine besides its files.

/// Questions about the machine. `sys::users` answers them for real; tests answer from a table.
pub trait Host {
    /// The uid of a user's name.
    fn uid_of_name(&self, name: &str) -> Option<u32>;
    /// The primary gid of a uid; none if no user has that uid.
    fn gid_of_uid(&self, uid: u32) -> Option<u32>;
    /// The gid of a group's name.
    fn gid_of_name(&self, name: &str) -> Option<u32>;
    /// Whether some group has this gid.
    fn has_gid(&self, gid: u32) -> bool;
    /// The home of a user, for a leading `~user`; of the daemon's own user (`$HOME` first)
    /// where no name is given.
    fn home_of(&self, name: Option<&str>) -> Option<String>;
    /// The uid that we run as.
    fn own_uid(&self) -> u32;
    /// The name of the machine, `%(host_node_name)s`.
    fn node_name(&self) -> String;
}

#[cfg(test)]
pub(super) mod tests {
    use super::Host;

    /// A machine with the users root (0), ann (1000, group staff) and me (2000), the last of
    /// which we are; its groups are wheel (0) and staff (50).
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct TableHost;

    impl Host for TableHost {
        fn uid_of_name(&self, name: &str) -> Option<u32> {
            [("root", 0), ("ann", 1000), ("me", 2000)]
                .into_iter()
                .find_map(|(known, uid)| (known == name).then_some(uid))
        }

        fn gid_of_uid(&self, uid: u32) -> Option<u32> {
            [(0, 0), (1000, 50), (2000, 50)]
                .into_iter()
                .find_map(|(known, gid)| (known == uid).then_some(gid))
        }

        fn gid_of_name(&self, name: &str) -> Option<u32> {
            [("wheel", 0), ("staff", 50)]
                .into_iter()
                .find_map(|(known, gid)| (known == name).then_some(gid))
        }

        fn has_gid(&self, gid: u32) -> bool {
            [0, 50].contains(&gid)
        }

        fn home_of(&self, name: Option<&str>) -> Option<String> {
            match name {
                None => Some("/home/me".to_owned()),
                Some("root") => Some("/".to_owned()),
                Some("ann") => Some("/home/ann/".to_owned()),
                Some(_) => None,
            }
        }

        fn own_uid(&self) -> u32 {
            2000
        }

        fn node_name(&self) -> String {
            "box".to_owned()
        }
    }
}
