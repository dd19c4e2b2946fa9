//! Real children of one spawner, in a process of its own for each test: who buries finds the
//! dead of the whole process, also those of other tests.

use super::*;
use crate::model::exit::Exit;
use crate::model::signal::Signal;
use crate::sys::reap::{Death, KillError};
use crate::sys::testing::alone;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// All tests share one spawner, its register and the list of the dead: there is one daemon
/// in a process, and whoever looks for the dead finds those of all.
struct World {
    spawner: Mutex<Spawner>,
    register: Arc<Register>,
    dead: Mutex<Vec<Death>>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (spawner, register) = Spawner::new();
        World {
            spawner: Mutex::new(spawner),
            register,
            dead: Mutex::default(),
        }
    })
}

fn exec(argv: &[&str]) -> Exec {
    let string = |text: &str| CString::new(text).expect("no null within");
    Exec {
        file: string(argv[0]),
        argv: argv.iter().map(|word| string(word)).collect(),
        envp: vec![string("GREETING=hello")],
        directory: None,
        umask: None,
        user: User::Same,
        stdin: Stdin::Pipe,
        redirect_stderr: false,
    }
}

fn spawn(exec: &Exec, owner: u64) -> Child {
    let child = lock(&world().spawner).spawn(exec, Owner(owner));
    child.expect("there is a child")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The ends of a child: how, and what it wrote to stdout and stderr.
fn run(exec: &Exec, owner: u64) -> (Exit, String, String, Option<Failure>) {
    let mut child = spawn(exec, owner);
    drop(child.stdin.take());
    let stdout = read(child.stdout);
    let stderr = child.stderr.map(read).unwrap_or_default();
    (
        await_death(child.pid, Owner(owner)),
        stdout,
        stderr,
        child.failure,
    )
}

fn read(fd: OwnedFd) -> String {
    nix::fcntl::fcntl(&fd, nix::fcntl::F_SETFL(OFlag::empty())).expect("may block");
    let mut text = String::new();
    std::fs::File::from(fd)
        .read_to_string(&mut text)
        .expect("a pipe can be read");
    text
}

fn await_death(pid: i32, owner: Owner) -> Exit {
    let World { register, dead, .. } = world();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut dead = lock(dead);
        dead.extend(std::iter::from_fn(|| register.bury()));
        if let Some(place) = dead.iter().position(|death| death.pid == pid) {
            let death = dead.swap_remove(place);
            assert_eq!(death.owner, Some(owner));
            return death.exit;
        }
        assert!(Instant::now() < deadline, "the child does not end");
        drop(dead);
        std::thread::yield_now();
    }
}

#[test]
fn a_child_has_its_arguments_environment_and_streams() {
    alone(
        "sys::spawn::tests::a_child_has_its_arguments_environment_and_streams",
        || {
            let exec = exec(&[
                "/bin/sh",
                "-c",
                "echo $GREETING $0; echo oops >&2; exit 3",
                "you",
            ]);
            let (exit, stdout, stderr, failure) = run(&exec, 1);
            assert_eq!((exit, failure), (Exit::Code(3), None));
            assert_eq!((&*stdout, &*stderr), ("hello you\n", "oops\n"));
        },
    );
}

#[test]
fn a_child_has_its_directory_umask_and_process_group() {
    alone(
        "sys::spawn::tests::a_child_has_its_directory_umask_and_process_group",
        || {
            let exec = Exec {
                directory: Some(CString::from(c"/")),
                umask: Some(0o027),
                redirect_stderr: true,
                ..exec(&[
                    "/bin/sh",
                    "-c",
                    "pwd; umask; test \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ && echo leader >&2",
                ])
            };
            let (_, stdout, _, _) = run(&exec, 2);
            assert_eq!(stdout, "/\n0027\nleader\n");
        },
    );
}

#[test]
fn a_child_has_no_other_descriptor_and_no_blocked_or_ignored_signal() {
    alone(
        "sys::spawn::tests::a_child_has_no_other_descriptor_and_no_blocked_or_ignored_signal",
        || {
            let script = "ls /proc/self/fd | wc -l; exec grep -E '^Sig(Blk|Ign)' /proc/self/status";
            let (_, stdout, _, _) = run(&exec(&["/bin/sh", "-c", script]), 3);
            // `ls` itself has the directory open besides 0, 1 and 2.
            let words: Vec<&str> = stdout.split_whitespace().collect();
            let none = "0000000000000000";
            assert_eq!(words, ["4", "SigBlk:", none, "SigIgn:", none]);
        },
    );
}

#[test]
fn what_fails_before_the_program_is_said_and_told_and_ends_with_127() {
    alone(
        "sys::spawn::tests::what_fails_before_the_program_is_said_and_told_and_ends_with_127",
        || {
            let last = "supervisor: child process was not spawned\n";
            let check = |exec: &Exec, owner, step, errno: Errno, words: &str| {
                let (exit, _, stderr, failure) = run(exec, owner);
                assert_eq!(exit, Exit::Code(127));
                let errno = errno as i32;
                assert_eq!(failure, Some(Failure { step, errno }));
                assert_eq!(stderr, format!("supervisor: {words}\n{last}"));
            };
            check(
                &exec(&["/no/such/file"]),
                4,
                Step::Exec,
                Errno::ENOENT,
                "couldn't exec /no/such/file: ENOENT",
            );
            let nowhere = Exec {
                directory: Some(CString::from(c"/nowhere")),
                ..exec(&["/bin/true"])
            };
            check(
                &nowhere,
                5,
                Step::Directory,
                Errno::ENOENT,
                "couldn't chdir to /nowhere: ENOENT",
            );
            let nobody = Exec {
                user: User::Impossible {
                    uid: 4242,
                    reason: "Can't find uid 4242".into(),
                },
                ..exec(&["/bin/sh", "-c", "echo executed"])
            };
            check(
                &nobody,
                6,
                Step::User,
                Errno::EPERM,
                "couldn't setuid to 4242: Can't find uid 4242",
            );
        },
    );
}

#[test]
fn another_user_is_become_or_nothing_is_executed() {
    alone(
        "sys::spawn::tests::another_user_is_become_or_nothing_is_executed",
        || {
            let exec = Exec {
                user: User::Other {
                    uid: 65534,
                    gid: 65533,
                    groups: vec![65533, 65532],
                },
                ..exec(&[
                    "/bin/sh",
                    "-c",
                    "grep -E '^(Uid|Gid|Groups)' /proc/$$/status",
                ])
            };
            let (exit, stdout, stderr, failure) = run(&exec, 7);
            let words: Vec<&str> = stdout.split_whitespace().collect();
            if nix::unistd::getuid().is_root() {
                let (uid, gid) = ("65534", "65533");
                let expected = [
                    "Uid:", uid, uid, uid, uid, "Gid:", gid, gid, gid, gid, "Groups:", "65532", gid,
                ];
                assert_eq!(words, expected, "{stderr}");
            } else {
                assert_eq!(exit, Exit::Code(127));
                assert_eq!(failure.map(|failure| failure.step), Some(Step::User));
                assert!(words.is_empty(), "{stdout}");
            }
        },
    );
}

#[test]
fn a_signal_reaches_a_child_until_it_is_buried_and_nobody_afterwards() {
    alone(
        "sys::spawn::tests::a_signal_reaches_a_child_until_it_is_buried_and_nobody_afterwards",
        || {
            let register = &world().register;
            let child = spawn(&exec(&["/bin/sleep", "600"]), 8);
            assert_eq!(register.kill(child.pid, true, Signal::TERM), Ok(()));
            let signal = Signal::TERM;
            assert_eq!(
                await_death(child.pid, Owner(8)),
                Exit::Signal {
                    signal,
                    core: false
                }
            );
            let gone = Err(KillError::Gone);
            assert_eq!(register.kill(child.pid, false, Signal::TERM), gone);
            for pid in [-1, 0, 1] {
                assert_eq!(register.kill(pid, true, Signal::TERM), gone, "{pid}");
            }
        },
    );
}

#[test]
fn a_quick_death_finds_its_owner_while_others_are_born() {
    alone(
        "sys::spawn::tests::a_quick_death_finds_its_owner_while_others_are_born",
        || {
            let exec = exec(&["/bin/true"]);
            let all_born = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let World { register, dead, .. } = world();
                    while !all_born.load(Ordering::Relaxed) {
                        if let Some(death) = register.bury() {
                            lock(dead).push(death);
                        }
                    }
                });
                let born = (1000..1300).map(|owner| (spawn(&exec, owner).pid, Owner(owner)));
                let born: Vec<(i32, Owner)> = born.collect();
                all_born.store(true, Ordering::Relaxed);
                for (pid, owner) in born {
                    assert_eq!(await_death(pid, owner), Exit::Code(0));
                }
            });
        },
    );
}
