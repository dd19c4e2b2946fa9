//! Users and groups by name and number, the machine's name, our own uid.
//!
//! A data base that cannot be asked knows nobody: an error in a look-up is the same as no
//! such user. Look-ups may read files or ask the network, so they happen neither on a thread
//! that must not stall nor between a clone and an exec.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist, gethostname, getuid};

/// The uid of a user's name.
pub fn uid_of_name(name: &str) -> Option<u32> {
    Some(user_of_name(name)?.uid.as_raw())
}

/// The primary gid of a uid; none if no user has that uid.
pub fn gid_of_uid(uid: u32) -> Option<u32> {
    Some(user_of_uid(uid)?.gid.as_raw())
}

/// The gid of a group's name.
pub fn gid_of_name(name: &str) -> Option<u32> {
    Some(Group::from_name(name).ok()??.gid.as_raw())
}

/// Whether some group has this gid.
pub fn has_gid(gid: u32) -> bool {
    matches!(Group::from_gid(Gid::from_raw(gid)), Ok(Some(_)))
}

/// The home of the user of that name. Without a name it is our own: `$HOME` if it is set, even
/// to nothing, else that of our uid. None for a user that does not exist, and for a home whose
/// path is not UTF-8.
pub fn home_of(name: Option<&str>) -> Option<String> {
    let home = match (name, std::env::var_os("HOME")) {
        (Some(name), _) => user_of_name(name)?.dir.into_os_string(),
        (None, Some(home)) => home,
        (None, None) => user_of_uid(own_uid())?.dir.into_os_string(),
    };
    home.into_string().ok()
}

/// The uid that we run as.
pub fn own_uid() -> u32 {
    getuid().as_raw()
}

/// The name of the user that we run as; the uid where no user has it, as in containers that
/// run with a number at random.
pub fn own_name() -> String {
    let uid = own_uid();
    user_of_uid(uid).map_or_else(|| uid.to_string(), |user| user.name)
}

/// The name of the machine; empty if it cannot be told.
pub fn node_name() -> String {
    gethostname().map_or_else(
        |_| String::new(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// All that is needed to become a user, looked up beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The user's primary group.
    pub gid: u32,
    /// All groups of the user, the primary one first.
    pub groups: Vec<u32>,
    /// The user's name.
    pub name: String,
}

impl Identity {
    /// Looks a user up by number.
    ///
    /// # Errors
    /// One sentence: there is no such user, or their groups could not be told.
    pub fn lookup(uid: u32) -> Result<Self, String> {
        let user = user_of_uid(uid).ok_or_else(|| format!("Can't find uid {uid}"))?;
        let no_groups = || String::from("Could not set groups of effective user");
        let name = CString::new(user.name.as_bytes()).map_err(|_| no_groups())?;
        let found = getgrouplist(&name, user.gid).map_err(|_| no_groups())?;
        let gid = user.gid.as_raw();
        let mut groups = vec![gid];
        groups.extend(
            found
                .iter()
                .map(|group| group.as_raw())
                .filter(|&group| group != gid),
        );
        Ok(Self {
            uid,
            gid,
            groups,
            name: user.name,
        })
    }
}

fn user_of_name(name: &str) -> Option<User> {
    User::from_name(name).ok()?
}

fn user_of_uid(uid: u32) -> Option<User> {
    User::from_uid(Uid::from_raw(uid)).ok()?
}

#[cfg(test)]
mod tests {
    use super::super::testing::alone;
    use super::*;

    /// A number that no user and no group has.
    const NOBODY: u32 = 3_999_999_999;

    #[test]
    fn root_is_known_by_name_and_number() {
        assert_eq!(uid_of_name("root"), Some(0));
        assert_eq!(gid_of_uid(0), Some(0));
        assert_eq!(gid_of_name("root"), Some(0));
        assert!(has_gid(0));
        assert_eq!(home_of(Some("root")), Some("/root".to_owned()));
    }

    #[test]
    fn who_does_not_exist_is_nobody_and_no_panic() {
        for name in [
            "",
            "no such user",
            "a:b",
            "nul\0inside",
            "root ",
            "\u{fffd}",
        ] {
            assert_eq!(uid_of_name(name), None, "{name:?}");
            assert_eq!(gid_of_name(name), None, "{name:?}");
            assert_eq!(home_of(Some(name)), None, "{name:?}");
        }
        assert_eq!(gid_of_uid(NOBODY), None);
        assert!(!has_gid(NOBODY));
    }

    #[test]
    fn a_machine_has_a_name() {
        assert_ne!(node_name(), "");
    }

    #[test]
    fn an_identity_has_its_primary_group_first_and_once() {
        let root = Identity::lookup(0).expect("root exists");
        assert_eq!((root.uid, root.gid, root.name.as_str()), (0, 0, "root"));
        assert_eq!(root.groups.first(), Some(&0));
        assert_eq!(root.groups.iter().filter(|&&gid| gid == 0).count(), 1);
    }

    #[test]
    fn an_identity_of_nobody_is_a_sentence() {
        assert_eq!(
            Identity::lookup(NOBODY),
            Err("Can't find uid 3999999999".to_owned())
        );
    }

    #[test]
    fn our_own_home_is_what_the_environment_says() {
        alone(
            "sys::users::tests::our_own_home_is_what_the_environment_says",
            || {
                let of_the_uid = user_of_uid(own_uid()).map(|user| user.dir);
                with_home(Some("/some/where"), Some("/some/where"));
                with_home(Some(""), Some(""));
                with_home(None, of_the_uid.as_ref().and_then(|home| home.to_str()));
            },
        );
    }

    #[allow(unsafe_code)]
    fn with_home(set: Option<&str>, expected: Option<&str>) {
        // SAFETY: the test has a process of its own, in which the only other thread waits for
        // this one's end.
        unsafe {
            match set {
                Some(home) => std::env::set_var("HOME", home),
                None => std::env::remove_var("HOME"),
            }
        }
        assert_eq!(home_of(None).as_deref(), expected);
    }
}
