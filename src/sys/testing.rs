//! Tests that change the process they run in: its user, its limits, its descriptors, its umask.
//! They run in a process of their own, the test binary started again for that one test, where
//! no other test can notice.

use std::process::Command;

const MARK: &str = "SUPERVISORD_TEST_ALONE";

/// Runs `body` in a process of its own, where there is no other thread but the harness's, which
/// waits. `test` is the path of the calling test after the crate's name.
///
/// # Panics
/// If `body` does.
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let binary = std::env::current_exe().expect("a running test binary has a path");
    let output = Command::new(binary)
        .args([test, "--exact", "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("a test binary that runs can be started again");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // A misspelt name selects no test, and that must not pass for success.
    assert!(said.contains("1 passed"), "{test} did not run: {said}");
}
