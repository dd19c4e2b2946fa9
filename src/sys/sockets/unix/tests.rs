use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixStream};

use super::*;
use crate::sys::scratch::Folder;
use crate::sys::users::own_uid;

/// The names of all that is in the folder, sorted.
fn names(dir: &Folder) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir.path())
        .expect("it is there")
        .map(|entry| entry.expect("it is there").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    let file = fs::symlink_metadata(path).expect("it is there");
    file.permissions().mode() & 0o7777
}

/// Leaves a socket that nobody listens on.
fn stale(path: &Path) {
    drop(UnixListener::bind(path).expect("nothing is there yet"));
}

#[test]
fn a_server_appears_with_its_mode_and_goes_with_its_file() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    for wanted in [0o700, 0o777, 0o600] {
        let server = bind_unix(&path, wanted, None).expect("the path is free");
        assert_eq!(mode(&path), wanted);
        assert_eq!(names(&dir), ["s.sock"]);
        assert_eq!(server.notes, Vec::<String>::new());
        let nobody = server.listener.accept().expect_err("nobody has come");
        assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
        UnixStream::connect(&path).expect("it listens");
        assert!(server.file.is_there());
        drop(server);
        assert_eq!(names(&dir), Vec::<String>::new());
    }
}

#[test]
fn before_it_is_complete_nobody_may_connect() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    let _socket = bind_closed(&path, SockFlag::empty()).expect("the path is free");
    assert_eq!(mode(&path), 0);
}

#[test]
fn a_stale_socket_gives_way_and_that_is_said() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    stale(&path);
    let server = bind_unix(&path, 0o700, None).expect("nobody answers");
    let said = format!("Unlinking stale socket {}", path.display());
    assert_eq!(server.notes, [said]);
    assert_eq!(names(&dir), ["s.sock"]);
    UnixStream::connect(&path).expect("it listens");
}

#[test]
fn a_link_to_nowhere_or_to_a_stale_socket_gives_way() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    stale(&dir.path().join("old.sock"));
    for target in ["nowhere", "old.sock"] {
        symlink(target, &path).expect("nothing is there yet");
        let server = bind_unix(&path, 0o700, None).expect("nobody answers");
        assert_eq!(server.notes.len(), 1);
        assert!(
            !fs::symlink_metadata(&path)
                .expect("it is there")
                .is_symlink()
        );
    }
    assert_eq!(names(&dir), ["old.sock"]);
}

#[test]
fn a_server_that_answers_keeps_its_path() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    let first = bind_unix(&path, 0o700, None).expect("the path is free");
    assert_eq!(bind_unix(&path, 0o700, None).err(), Some(BindError::InUse));
    assert!(first.file.is_there());
    assert_eq!(names(&dir), ["s.sock"]);
    assert!(first.listener.accept().is_ok(), "it was asked");
}

#[test]
fn a_server_whose_queue_is_full_still_keeps_its_path() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    let busy = UnixListener::bind(&path).expect("the path is free");
    listen(&busy, Backlog::new(0).expect("0 is allowed")).expect("it listens already");
    let _waiting = UnixStream::connect(&path).expect("there is room for one");
    assert_eq!(bind_unix(&path, 0o700, None).err(), Some(BindError::InUse));
    assert_eq!(names(&dir), ["s.sock"]);
}

#[test]
fn a_socket_for_datagrams_keeps_its_path() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    let _other = UnixDatagram::bind(&path).expect("the path is free");
    assert_eq!(bind_unix(&path, 0o700, None).err(), Some(BindError::InUse));
    assert_eq!(names(&dir), ["s.sock"]);
}

#[test]
fn what_is_no_socket_is_never_removed() {
    let dir = Folder::new();
    let (file, directory, link) = (
        dir.path().join("file"),
        dir.path().join("dir"),
        dir.path().join("link"),
    );
    fs::write(&file, "precious").expect("it can be written");
    fs::create_dir(&directory).expect("it can be made");
    symlink("file", &link).expect("it can be made");
    for path in [&file, &directory, &link] {
        let refused = bind_unix(path, 0o700, None).err();
        assert_eq!(refused, Some(BindError::NotASocket(path.clone())));
        let refused = bind_fcgi_unix(path, 0o700, None, None).err();
        assert_eq!(refused, Some(FcgiError::NotASocket(path.clone())));
    }
    assert_eq!(fs::read_to_string(&link).ok().as_deref(), Some("precious"));
    assert_eq!(names(&dir), ["dir", "file", "link"]);
}

#[test]
fn a_path_that_cannot_be_is_an_errno_or_too_long() {
    let dir = Folder::new();
    let check = |path: PathBuf, expected: BindError| {
        assert_eq!(
            bind_unix(&path, 0o700, None).err(),
            Some(expected),
            "{path:?}"
        );
    };
    check(
        dir.path().join("missing/s.sock"),
        BindError::System(libc::ENOENT),
    );
    fs::write(dir.path().join("file"), "").expect("it can be written");
    check(
        dir.path().join("file/s.sock"),
        BindError::System(libc::ENOTDIR),
    );
    check(
        dir.path().join("nul\0.sock"),
        BindError::System(libc::EINVAL),
    );
    check(dir.path().join("x".repeat(LONGEST)), BindError::TooLong);
    assert_eq!(names(&dir), ["file"]);
}

#[test]
fn the_longest_path_works_though_its_temporary_name_must_be_shorter() {
    let dir = Folder::new();
    let room = LONGEST - dir.path().join("").as_os_str().len();
    let path = dir.path().join("x".repeat(room));
    assert_eq!(path.as_os_str().len(), LONGEST);
    stale(&path);
    let server = bind_unix(&path, 0o700, None).expect("nobody answers");
    UnixStream::connect(&path).expect("it listens");
    assert_eq!(names(&dir).len(), 1);
    drop(server);
    let longer = dir.path().join("x".repeat(room + 1));
    assert_eq!(
        bind_unix(&longer, 0o700, None).err(),
        Some(BindError::TooLong)
    );
}

#[test]
fn an_owner_is_given_or_the_refusal_says_to_whom() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    let other = (own_uid() + 1, Some(54321));
    let result = bind_unix(&path, 0o700, Some(other));
    if own_uid() == 0 {
        let server = result.expect("root gives away what it likes");
        let file = fs::metadata(&path).expect("it is there");
        assert_eq!((file.uid(), file.gid()), (1, 54321));
        assert_eq!(mode(&path), 0o700);
        drop(server);
    } else {
        let (uid, gid) = other;
        assert_eq!(
            result.err(),
            Some(BindError::Chown {
                path: path.clone(),
                uid,
                gid
            })
        );
    }
    assert_eq!(names(&dir), Vec::<String>::new());
    let to_us = bind_unix(&path, 0o700, Some((own_uid(), None)));
    assert!(to_us.is_ok(), "{to_us:?}");
}

#[test]
fn a_socket_that_was_replaced_stays_when_the_first_one_goes() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    let first = bind_unix(&path, 0o700, None).expect("the path is free");
    fs::remove_file(&path).expect("it is there");
    let second = bind_unix(&path, 0o700, None).expect("the path is free again");
    assert!(!first.file.is_there());
    drop(first);
    assert!(second.file.is_there());
    UnixStream::connect(&path).expect("the second one listens");
    second.file.leave();
    assert_eq!(names(&dir), ["s.sock"]);
}

const RACE: &str = "SUPERVISORD_TEST_RACE";

#[test]
fn of_many_who_find_a_stale_socket_one_has_it_in_the_end() {
    let Some(path) = std::env::var_os(RACE) else {
        for _ in 0..5 {
            race();
        }
        return;
    };
    let server = bind_unix(Path::new(&path), 0o700, None);
    // The winner stays until all have tried.
    println!("\ntried");
    let _ = std::io::stdin().read(&mut [0]);
    if let Ok(server) = server {
        println!("there: {}", server.file.is_there());
        server.file.leave();
    }
}

fn race() {
    let dir = Folder::new();
    let path = dir.path().join("s.sock");
    stale(&path);
    let test = "sys::sockets::unix::tests::of_many_who_find_a_stale_socket_one_has_it_in_the_end";
    let racer = || {
        std::process::Command::new(std::env::current_exe().expect("it runs"))
            .args([test, "--exact", "--test-threads=1", "--nocapture"])
            .env(RACE, &path)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("the test binary can be started again")
    };
    let mut racers: Vec<_> = (0..4).map(|_| racer()).collect();
    let mut outputs = Vec::new();
    for racer in &mut racers {
        let mut output = BufReader::new(racer.stdout.take().expect("it was piped"));
        let mut line = String::new();
        while line.trim_end() != "tried" {
            line.clear();
            assert_ne!(output.read_line(&mut line).ok(), Some(0), "it gave up");
        }
        outputs.push(output);
    }
    UnixStream::connect(&path).expect("somebody listens");
    let mut there = 0;
    for (mut racer, mut output) in racers.into_iter().zip(outputs) {
        drop(racer.stdin.take());
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("it is text");
        assert!(racer.wait().expect("it is our child").success());
        there += rest.matches("there: true").count();
    }
    assert_eq!(there, 1);
    assert_eq!(names(&dir), ["s.sock"]);
}

#[test]
fn a_fastcgi_socket_blocks_and_replaces_even_one_that_answers() {
    let dir = Folder::new();
    let path = dir.path().join("f.sock");
    let first = bind_fcgi_unix(&path, 0o770, None, Some(5)).expect("the path is free");
    let second = bind_fcgi_unix(&path, 0o700, None, None).expect("sockets give way");
    assert_eq!(mode(&path), 0o700);
    assert!(!first.file.is_there());
    let mut client = UnixStream::connect(&path).expect("the second one listens");
    client.write_all(b"x").expect("there is room for a byte");
    let (mut peer, _) = second.listener.accept().expect("somebody has come");
    let mut byte = [0];
    peer.read_exact(&mut byte).expect("a byte was written");
    let flags = nix::fcntl::fcntl(&second.listener, nix::fcntl::FcntlArg::F_GETFL);
    assert_eq!(flags.map(|flags| flags & libc::O_NONBLOCK), Ok(0));
    drop(first);
    assert_eq!(names(&dir), ["f.sock"]);
}

#[test]
fn a_backlog_is_what_was_wished_or_all_there_is() {
    let check = |wish, expected| assert_eq!(i32::from(queue(wish)), expected, "{wish:?}");
    check(None, libc::SOMAXCONN);
    check(Some(0), libc::SOMAXCONN);
    check(Some(7), 7);
    // To the kernel, -1 is the highest number.
    check(Some(u32::MAX), -1);
}
