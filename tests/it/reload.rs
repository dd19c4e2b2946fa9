//! A config that changes while programs run; and one that is broken.

use crate::harness::{BASE, Daemon, Dir, Start, foreign, lives, wait, wait_for_death};
use nix::sys::signal::Signal;

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

/// Writes the config anew.
fn rewrite(daemon: &Daemon, sections: &str) {
    daemon.dir.write("sd.conf", &format!("{BASE}\n{sections}"));
}

#[test]
fn reread_says_what_changed_and_changes_nothing() {
    let daemon = Daemon::with(&format!(
        "{CAT}[program:old]\ncommand=/bin/cat\nautostart=false\n"
    ));
    let cat = daemon.wait_for_state("cat", "RUNNING");
    daemon
        .ctl(&["reread"])
        .is("No config updates to processes\n", 0);
    rewrite(
        &daemon,
        &format!("{CAT}priority=7\n[program:new]\ncommand=/bin/cat\n"),
    );
    let changes = "cat: changed\nnew: available\nold: disappeared\n";
    daemon.ctl(&["reread"]).is(changes, 0);
    daemon.ctl(&["reread"]).is(changes, 0);
    assert_eq!(daemon.pid_of("cat"), cat);
    daemon
        .ctl(&["status", "new"])
        .is("new: ERROR (no such process)\n", 4);
}

#[test]
fn update_touches_only_what_changed() {
    let daemon = Daemon::with(&format!(
        "{CAT}[program:changed]\ncommand=/bin/cat\nstartsecs=0\n[program:old]\ncommand=/bin/cat\nstartsecs=0\n"
    ));
    let [cat, changed, old] =
        ["cat", "changed", "old"].map(|name| daemon.wait_for_state(name, "RUNNING"));
    rewrite(
        &daemon,
        &format!(
            "{CAT}[program:changed]\ncommand=/bin/cat -u\nstartsecs=0\n[program:new]\ncommand=/bin/cat\nstartsecs=0\n"
        ),
    );
    daemon.ctl(&["update"]).is(
        "old: stopped\nold: removed process group\n\
         changed: stopped\nchanged: updated process group\n\
         new: added process group\n",
        0,
    );
    assert_eq!(daemon.pid_of("cat"), cat);
    assert!(!lives(old) && !lives(changed));
    assert_ne!(daemon.wait_for_state("changed", "RUNNING"), changed);
    daemon.wait_for_state("new", "RUNNING");
    daemon.ctl(&["update"]).is("", 0);
}

#[test]
fn update_can_be_told_which_groups() {
    let daemon = Daemon::with("");
    rewrite(
        &daemon,
        "[program:a]\ncommand=/bin/cat\nautostart=false\n[program:b]\ncommand=/bin/cat\nautostart=false\n",
    );
    daemon
        .ctl(&["update", "a"])
        .is("a: added process group\n", 0);
    daemon
        .ctl(&["update", "nobody"])
        .is("ERROR: no such group: nobody\n", 1);
    daemon.ctl(&["status"]).is(
        "a                                STOPPED   Not started\n",
        3,
    );
    daemon
        .ctl(&["update", "all"])
        .is("b: added process group\n", 0);
}

#[test]
fn numprocs_grows_and_shrinks_by_update() {
    let pool = |size: u32| {
        format!(
            "[program:pool]\ncommand=/bin/cat\nnumprocs={size}\nstartsecs=0\n\
             process_name=%(program_name)s_%(process_num)d\n"
        )
    };
    let daemon = Daemon::with(&pool(2));
    daemon.wait_for_state("pool:pool_1", "RUNNING");
    for size in [4, 1] {
        rewrite(&daemon, &pool(size));
        daemon
            .ctl(&["update"])
            .is("pool: stopped\npool: updated process group\n", 0);
        daemon.wait_for_state(&format!("pool:pool_{}", size - 1), "RUNNING");
        let lines = daemon.ctl(&["status"]).out.lines().count();
        assert_eq!(lines, size as usize);
    }
}

#[test]
fn reload_stops_all_and_starts_with_the_new_config() {
    let daemon = Daemon::with(CAT);
    let cat = daemon.wait_for_state("cat", "RUNNING");
    rewrite(&daemon, "[program:dog]\ncommand=/bin/cat\nstartsecs=0\n");
    daemon.ctl(&["reload"]).is("Restarted supervisord\n", 0);
    wait_for_death(cat);
    daemon.wait_for_state("dog", "RUNNING");
    assert_eq!(daemon.field("cat", "pid"), None);
    daemon.ctl(&["pid"]).is(&format!("{}\n", daemon.pid()), 0);
}

/// Configs that are no good, and what is to be read of it.
const BROKEN: [(&str, &str); 3] = [
    (
        "[program:cat]\ncommand=/bin/cat\nstartsecs=soon\n",
        "'soon'",
    ),
    ("[program:cat]\n", "does not specify a command"),
    (
        "[group:g]\nprograms=nobody\n",
        "names unknown program or fcgi-program nobody",
    ),
];

#[test]
fn a_broken_config_at_reread_is_said_and_changes_nothing() {
    let daemon = Daemon::with(CAT);
    let cat = daemon.wait_for_state("cat", "RUNNING");
    for (sections, sentence) in BROKEN {
        rewrite(&daemon, sections);
        let said = daemon.ctl(&["reread"]);
        assert!(
            said.out.starts_with("ERROR: ") && said.out.contains(sentence),
            "{said:?}"
        );
        assert_eq!(said.code, 1);
    }
    std::fs::remove_file(daemon.dir.path("sd.conf")).expect("our own file");
    // The client needs a config too: ask with a flag.
    let gone = daemon.rpc("supervisor.reloadConfig", &[]);
    let sentence = daemon.dir.fill("could not find config file {dir}/sd.conf");
    assert!(
        gone.contains("CANT_REREAD") && gone.contains(&sentence),
        "{gone}"
    );
    assert_eq!(daemon.pid_of("cat"), cat);
    rewrite(&daemon, CAT);
    daemon
        .ctl(&["reread"])
        .is("No config updates to processes\n", 0);
}

#[test]
fn a_broken_config_at_hup_leaves_the_programs_as_they_are() {
    if foreign() {
        return;
    }
    let mut daemon = Daemon::with(CAT);
    let cat = daemon.wait_for_state("cat", "RUNNING");
    for (number, (sections, sentence)) in BROKEN.into_iter().enumerate() {
        rewrite(&daemon, sections);
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for_count("received SIGHUP indicating restart request", number + 1);
        wait("the sentence in the log", || {
            let log = daemon.log();
            let wrong = |level: &str| level == "CRIT" || level == "ERRO";
            let found = log
                .iter()
                .any(|entry| wrong(&entry.level) && entry.text.contains(sentence));
            found.then_some(())
        });
        assert!(daemon.runs());
        assert_eq!(daemon.wait_for_state("cat", "RUNNING"), cat);
    }
    std::fs::remove_file(daemon.dir.path("sd.conf")).expect("our own file");
    daemon.signal(Signal::SIGHUP);
    let sentence = daemon.dir.fill("could not find config file {dir}/sd.conf");
    daemon.dir.wait_for_text("main.log", &sentence);
    assert_eq!(daemon.wait_for_state("cat", "RUNNING"), cat);
    // With a sound config again all goes on as ever.
    rewrite(&daemon, CAT);
    daemon.signal(Signal::SIGHUP);
    wait_for_death(cat);
    daemon.wait_for_state("cat", "RUNNING");
}

#[test]
fn a_broken_config_at_reload_leaves_the_programs_as_they_are() {
    if foreign() {
        return;
    }
    let daemon = Daemon::with(CAT);
    let cat = daemon.wait_for_state("cat", "RUNNING");
    for (sections, sentence) in BROKEN {
        rewrite(&daemon, sections);
        let said = daemon.ctl(&["reload"]);
        assert!(said.out.contains(sentence), "{said:?}");
        assert_eq!(said.code, 1);
        assert_eq!(daemon.wait_for_state("cat", "RUNNING"), cat);
    }
}

#[test]
fn an_included_file_can_come_and_go() {
    let dir = Dir::new();
    dir.write(
        "sd.conf",
        &format!("{BASE}[include]\nfiles={{dir}}/conf.d/*.conf\n"),
    );
    let daemon = Daemon::start(dir, &Start::default());
    daemon.dir.write("conf.d/cat.conf", CAT);
    daemon.ctl(&["reread"]).is("cat: available\n", 0);
    daemon.ctl(&["update"]).is("cat: added process group\n", 0);
    let cat = daemon.wait_for_state("cat", "RUNNING");
    std::fs::remove_file(daemon.dir.path("conf.d/cat.conf")).expect("our own file");
    daemon
        .ctl(&["update"])
        .is("cat: stopped\ncat: removed process group\n", 0);
    wait_for_death(cat);
}
