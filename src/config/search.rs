//! Where a config file is looked for when none is named.

use super::error::ConfigError;
use super::paths::{dirname, join};
use std::path::Path;

/// The paths that are tried, in this order: beside the executable, in the working directory, and
/// in `/etc`. `argv0` is the executable's path as it was called, e.g. `/usr/bin/supervisord`.
pub fn search_paths(argv0: &str) -> [String; 6] {
    let beside = dirname(dirname(argv0));
    [
        join(beside, "etc/supervisord.conf"),
        join(beside, "supervisord.conf"),
        "supervisord.conf".to_owned(),
        "etc/supervisord.conf".to_owned(),
        "/etc/supervisord.conf".to_owned(),
        "/etc/supervisor/supervisord.conf".to_owned(),
    ]
}

/// The first of [`search_paths`] that is there. `cwd` is where relative ones begin.
///
/// # Errors
/// The sentence about all the places that were tried; `supervisorctl` does without a file then.
pub fn find_default(argv0: &str, cwd: &Path) -> Result<String, ConfigError> {
    let paths = search_paths(argv0);
    match paths.iter().find(|path| cwd.join(path).exists()) {
        Some(path) => Ok(path.clone()),
        None => Err(ConfigError {
            message: format!(
                "No config file found at default paths ({}); use the -c option to specify a \
                 config file at a different path",
                paths.join(", ")
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Folder;
    use super::*;

    #[test]
    fn the_first_file_that_is_there_is_found() {
        let folder = Folder::new();
        folder.write("cwd/none", "");
        let cwd = folder.path().join("cwd");
        let argv0 = folder.path().join("bin/supervisord");
        let argv0 = argv0.to_string_lossy();
        let find = || {
            find_default(&argv0, &cwd)
                .map(|path| path.replace(&*folder.path().to_string_lossy(), ""))
        };
        folder.write("cwd/etc/supervisord.conf", "");
        assert_eq!(find().as_deref(), Ok("etc/supervisord.conf"));
        folder.write("cwd/supervisord.conf", "");
        assert_eq!(find().as_deref(), Ok("supervisord.conf"));
        folder.write("supervisord.conf", "");
        assert_eq!(find().as_deref(), Ok("/supervisord.conf"));
        folder.write("etc/supervisord.conf", "");
        assert_eq!(find().as_deref(), Ok("/etc/supervisord.conf"));
    }

    #[test]
    fn a_bare_name_of_the_executable_looks_in_the_working_directory() {
        assert_eq!(
            search_paths("supervisord")[..2],
            ["etc/supervisord.conf", "supervisord.conf"]
        );
        assert_eq!(
            search_paths("/bin/supervisord")[..2],
            ["/etc/supervisord.conf", "/supervisord.conf"]
        );
    }
}
