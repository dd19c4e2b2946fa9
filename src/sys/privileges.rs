//! Becoming another user for good: the daemon's own `user` option. Children do the same with
//! raw system calls between clone and exec.

use nix::unistd::{Gid, Uid, getgroups, getresgid, getresuid, getuid, setgid, setgroups};
use nix::unistd::{setresgid, setresuid, setuid};

use super::users::Identity;

/// Makes the whole process that user: its groups, its gid, its uid, and with the uid all
/// capabilities. Being that user already is fine, and then nothing is changed.
///
/// # Errors
/// One sentence, in the original's words where it has them. The process may then be halfway
/// and must not go on.
pub fn drop_to(user: &Identity) -> Result<(), String> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    if getuid() == uid {
        return Ok(());
    }
    if !getuid().is_root() {
        return Err("Can't drop privilege as nonroot user".to_owned());
    }
    let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&groups).map_err(|_| "Could not set groups of effective user".to_owned())?;
    setresgid(gid, gid, gid).map_err(|_| "Could not set group id of effective user".to_owned())?;
    setresuid(uid, uid, uid).map_err(|_| "Could not set user id of effective user".to_owned())?;
    verify(uid, gid, &groups)
}

/// Asks the kernel who we are now, and tries the way back, which must be closed.
fn verify(uid: Uid, gid: Gid, groups: &[Gid]) -> Result<(), String> {
    let uids = getresuid().map(|now| [now.real, now.effective, now.saved]);
    let gids = getresgid().map(|now| [now.real, now.effective, now.saved]);
    let held = getgroups();
    let became = uids == Ok([uid; 3])
        && gids == Ok([gid; 3])
        && held.is_ok_and(|held| held.iter().all(|group| groups.contains(group)));
    if !became {
        return Err(format!("Could not become uid {uid} and gid {gid}"));
    }
    let root_again = setuid(Uid::from_raw(0)).is_ok();
    let group_again = !gid_is_ours(groups, 0) && setgid(Gid::from_raw(0)).is_ok();
    if root_again || group_again {
        return Err(format!("Became uid {uid}, but could become root again"));
    }
    Ok(())
}

fn gid_is_ours(groups: &[Gid], gid: u32) -> bool {
    groups.contains(&Gid::from_raw(gid))
}

#[cfg(test)]
mod tests {
    use super::super::testing::alone;
    use super::*;

    fn somebody() -> Identity {
        Identity {
            uid: 54321,
            gid: 54322,
            groups: vec![54322, 54323],
            name: "somebody".to_owned(),
        }
    }

    #[test]
    fn who_we_are_already_needs_no_right() {
        let mut own = somebody();
        own.uid = getuid().as_raw();
        let before = (getresgid(), getgroups());
        assert_eq!(drop_to(&own), Ok(()));
        assert_eq!((getresgid(), getgroups()), before);
    }

    #[test]
    fn root_becomes_somebody_for_good_and_nobody_else_can() {
        let name = "sys::privileges::tests::root_becomes_somebody_for_good_and_nobody_else_can";
        alone(name, || {
            let was_root = getuid().is_root();
            let result = drop_to(&somebody());
            if was_root {
                assert_eq!(result, Ok(()));
                assert_eq!(getuid(), Uid::from_raw(54321));
                let mut groups = getgroups().expect("groups can be asked");
                groups.sort_by_key(|gid| gid.as_raw());
                assert_eq!(groups, [54322, 54323].map(Gid::from_raw));
                assert!(setuid(Uid::from_raw(0)).is_err());
            }
            // By now nobody here is root.
            let other = Identity {
                uid: 54324,
                ..somebody()
            };
            assert_eq!(
                drop_to(&other),
                Err("Can't drop privilege as nonroot user".to_owned())
            );
        });
    }
}
