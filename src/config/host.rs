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
