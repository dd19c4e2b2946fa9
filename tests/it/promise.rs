//! What is read from a config works, or its lack is said: nobody may believe that something works
//! when it does not.

use crate::harness::{Daemon, Dir, foreign, wait};

/// Waits until either a sign of life is there or the main log says of a section that something in
/// it is not supported yet.
#[track_caller]
fn works_or_is_said(daemon: &Daemon, section: &str, sign: impl Fn() -> bool) {
    let beginning = format!("For [{section}], ");
    wait(&format!("[{section}] at work, or a warning"), || {
        let warned = daemon.log().into_iter().any(|entry| {
            entry.level == "WARN"
                && entry.text.starts_with(&beginning)
                && entry.text.contains("not supported yet")
        });
        (warned || sign()).then_some(())
    });
}

#[test]
fn an_eventlistener_hears_events() {
    let dir = Dir::new();
    dir.write(
        "listen.sh",
        "echo READY\nwhile read -r line; do\n    echo \"$line\" >> {dir}/heard\n    \
         head -c \"${line##*len:}\" > {dir}/payload\n    printf 'RESULT 2\\nOKREADY\\n'\ndone\n",
    );
    let daemon = Daemon::within(
        dir,
        "[eventlistener:ear]\ncommand=/bin/sh {dir}/listen.sh\nevents=PROCESS_STATE\n\
         [program:cat]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    daemon.wait_for_state("cat", "RUNNING");
    works_or_is_said(&daemon, "eventlistener:ear", || {
        daemon
            .dir
            .read("heard")
            .contains(" eventname:PROCESS_STATE_RUNNING ")
    });
}

#[test]
fn a_fastcgi_program_has_its_socket() {
    let daemon = Daemon::with(
        "[fcgi-program:web]\ncommand=/bin/sleep 1000\nsocket=unix://{dir}/web.sock\nstartsecs=0\n",
    );
    daemon.wait_for_state("web:web", "RUNNING");
    works_or_is_said(&daemon, "fcgi-program:web", || {
        std::os::unix::net::UnixStream::connect(daemon.dir.path("web.sock")).is_ok()
    });
}

#[test]
fn captured_output_and_escape_sequences_are_taken_out() {
    if foreign() {
        // The original holds the last bytes back for as long as capture is on.
        return;
    }
    let dir = Dir::new();
    dir.write(
        "p.sh",
        "printf 'a\\033[31mb\\033[0mc<!--XSUPERVISOR:BEGIN-->secret<!--XSUPERVISOR:END-->d\\n'\n\
         exec /bin/cat\n",
    );
    let base =
        crate::harness::BASE.replace("loglevel=debug\n", "loglevel=debug\nstrip_ansi=true\n");
    let program = "[program:p]\ncommand=/bin/sh {dir}/p.sh\nstartsecs=0\nstdout_logfile={dir}/out\n\
                   stdout_capture_maxbytes=1KB\n";
    dir.write("sd.conf", &format!("{base}{program}"));
    let daemon = Daemon::start(dir, &crate::harness::Start::default());
    works_or_is_said(&daemon, "program:p", || daemon.dir.read("out") == "abcd\n");
}
