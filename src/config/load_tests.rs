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

const SAMPLE: &str = super::super::SAMPLE;

/// The sample with everything in it switched on, but for what this machine cannot have.
fn uncommented() -> String {
    let lines = SAMPLE.lines().map(|line| {
        let option = line
            .strip_prefix(';')
            .filter(|rest| !rest.starts_with([' ', ';']));
        option.filter(|option| !option.is_empty()).unwrap_or(line)
    });
    let text: Vec<_> = lines.collect();
    text.join("\n")
        .replace("nobody:nogroup", "ann:staff")
        .replace("nobody", "ann")
        .replace("program1,program2", "theprogramname,thefcginame")
}

#[test]
fn the_sample_is_a_config() {
    let config = loaded(SAMPLE);
    assert_eq!(config.servers.len(), 1);
    assert_eq!(config.groups, []);
    assert!(config.supervisor_rpc);
    assert_eq!(config.notes, []);
}

#[test]
fn the_sample_with_everything_switched_on_is_a_config() {
    let text = uncommented();
    let config = loaded(&text);
    let names: Vec<_> = config
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(names, ["thelistenername", "thegroupname"]);
    assert_eq!(config.groups[1].processes.len(), 6);
    assert_eq!(config.servers.len(), 2);
    let alone = loaded(&text.replace("[group:thegroupname]", "[no group]"));
    assert_eq!(alone.groups.len(), 3);
}

#[test]
fn the_sample_names_every_option() {
    let text = uncommented();
    let source = [
        include_str!("daemon.rs"),
        include_str!("programs.rs"),
        include_str!("groups.rs"),
        include_str!("servers.rs"),
        include_str!("client.rs"),
    ]
    .concat();
    // Each option is read by a quoted name right behind one of these.
    let mut options = Vec::new();
    for reader in ["view.read(", "view.text(", "view.raw(", "plain.text("] {
        for rest in source.split(reader).skip(1) {
            let quoted = rest.trim_start().strip_prefix('"');
            options.extend(quoted.and_then(|rest| rest.split('"').next()));
        }
    }
    assert!(options.len() > 50, "{options:?}");
    for option in options {
        assert!(text.contains(&format!("\n{option}=")), "{option}");
    }
}
