//! Whole configs: what they come to, and what is said of those that are wrong.

use super::super::host::tests::TableHost;
use super::super::testing::Folder;
use super::*;

fn load_in(folder: &Folder, overrides: &Overrides) -> Result<Config, ConfigError> {
    let env = [("HOME", "/home/me"), ("TMPDIR", "/"), ("GREETING", "hi")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let request = LoadRequest {
        path: "x.conf",
        overrides,
        env: &env,
        cwd: folder.path(),
    };
    load(&request, &TableHost)
}

/// Loads a config of its own; `[supervisord]` is added if there is none.
fn load_text(text: &str) -> Result<Config, ConfigError> {
    let folder = Folder::new();
    let text = if text.contains("[supervisord]") {
        text.to_owned()
    } else {
        format!("{text}\n[supervisord]\n")
    };
    folder.write("x.conf", text);
    load_in(&folder, &Overrides::default())
}

/// A config that is right.
pub(crate) fn loaded(text: &str) -> Config {
    load_text(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
