//! The rules of the house, read off the tree: who may import whom, and what is absent where.
//!
//! The table is the one of `ARCHITECTURE.md`. Tests inside the rooms follow it too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a room may know of.
struct Room {
    name: &'static str,
    /// Other rooms, `actors::handle` for a part of one.
    rooms: &'static [&'static str],
    /// Crates besides `std`.
    crates: &'static [&'static str],
    /// What its code never says, tests aside.
    never: &'static [&'static str],
}

/// What rooms that ask the daemon may know of its actors.
const HANDLE: [&str; 4] = [
    "actors::Supervisor",
    "actors::Table",
    "actors::handle",
    "actors::table",
];

/// The import table, in reading order.
const HOUSE: [Room; 8] = [
    Room {
        name: "model",
        rooms: &[],
        crates: &[],
        never: &[
            "Instant::now",
            "SystemTime::now",
            "std::env",
            "std::fs",
            "std::net",
            "std::os",
            "std::process",
            "std::thread",
        ],
    },
    Room {
        name: "config",
        rooms: &["model"],
        crates: &["glob"],
        never: &["std::net", "std::process", "std::thread"],
    },
    Room {
        name: "sys",
        rooms: &["model"],
        // By way of nix, which passes libc on.
        crates: &["nix", "libc", "flate2", "ruzstd"],
        never: &["std::process::Command"],
    },
    Room {
        name: "actors",
        rooms: &["model", "config", "sys"],
        crates: &[
            "actix",
            "actix_rt",
            "bytes",
            "futures_util",
            "slog",
            "tokio",
            "tokio_util",
        ],
        never: &[
            "std::fs",
            "std::net",
            "std::process::Command",
            "thread::sleep",
            "ctx.wait",
            "AtomicResponse",
        ],
    },
    Room {
        name: "rpc",
        rooms: &[
            "model", "config", HANDLE[0], HANDLE[1], HANDLE[2], HANDLE[3],
        ],
        crates: &[
            "bytes",
            "futures_util",
            "http_body_util",
            "hyper",
            "hyper_util",
            "quick_xml",
            "slog",
            "tokio",
            "tokio_util",
        ],
        never: &["std::fs", "std::process::Command", "thread::sleep", "Addr<"],
    },
    Room {
        name: "http",
        rooms: &[
            "model", "rpc", "config", HANDLE[0], HANDLE[1], HANDLE[2], HANDLE[3],
        ],
        crates: &[
            "actix",
            "actix_rt",
            "bytes",
            "futures_util",
            "http_body_util",
            "hyper",
            "hyper_util",
            "sha1_smol",
            "slog",
            "tokio",
        ],
        never: &["std::fs", "std::process::Command", "thread::sleep", "Addr<"],
    },
    Room {
        name: "ctl",
        rooms: &["model", "config", "rpc"],
        crates: &["bytes", "futures_util", "rustyline", "tokio"],
        never: &["std::process::Command"],
    },
    Room {
        name: "launch",
        rooms: &["model", "config", "sys", "actors", "rpc", "http", "ctl"],
        crates: &["actix", "actix_rt", "futures_util", "slog", "tokio"],
        never: &["std::process::Command"],
    },
];

/// What no code of ours says anywhere, and what each would bring.
const NOWHERE: [&str; 6] = [
    "tokio::fs",
    "tokio::process",
    "actix::Supervisor",
    "time::interval",
    "run_interval",
    "std::process::abort",
];

/// The longest a source file may be, in lines.
const LONGEST: usize = 1000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files under a folder of the tree.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the tree") {
            let path = entry.expect("an entry of the tree").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file of the tree is text")
}

/// The dependencies that the manifest names, as code names them.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let section = manifest
        .split("\n[")
        .find(|part| part.starts_with("dependencies]"));
    let lines = section.unwrap_or("").lines().skip(1);
    lines
        .filter_map(|line| line.split_once(['=', '.']))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect()
}

/// The code with comments, texts and characters blanked out.
fn bare(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut bare = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = literal(bytes, at);
        if end > at {
            bare.push(' ');
            bare.extend(
                source[at..end]
                    .chars()
                    .filter(|&character| character == '\n'),
            );
            at = end;
        } else {
            let character = source[at..].chars().next().expect("within the text");
            bare.push(character);
            at += character.len_utf8();
        }
    }
    bare
}

/// Where a comment, text or character that begins here ends; `at` itself if none begins.
fn literal(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let find = |from: usize, what: &[u8]| {
        let found = rest[from..]
            .windows(what.len())
            .position(|window| window == what);
        found.map_or(bytes.len(), |found| at + from + found + what.len())
    };
    let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => find(2, b"\n") - usize::from(find(2, b"\n") < bytes.len()),
        [b'/', b'*', ..] => find(2, b"*/"),
        [b'r', b'"' | b'#', ..] if !after_word => {
            let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
            if rest.get(1 + hashes) != Some(&b'"') {
                return at;
            }
            find(2 + hashes, &[b"\"".to_vec(), vec![b'#'; hashes]].concat())
        }
        [b'"', ..] => {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            (end + 1).min(bytes.len())
        }
        [b'\'', b'\\', _, ..] => find(3, b"'"),
        // A character, not a lifetime, has its closing quote near.
        [b'\'', _, b'\'', ..] => at + 3,
        [b'\'', first, ..] if *first >= 0x80 => find(1, b"'"),
        _ => at,
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// All paths that begin with a word and `::`, braces spelled out, two names of each after it.
fn paths(code: &str, word: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut from = 0;
    let start = format!("{word}::");
    while let Some(at) = code[from..].find(&start) {
        let before = code[..from + at].trim_end();
        let whole = !code[..from + at].ends_with(is_word) && !before.ends_with("::");
        from += at + start.len();
        if whole {
            tree(&code[from..], "", &mut found);
        }
    }
    found
}

/// Spells a use tree out; returns what is left of the text after it.
fn tree<'a>(text: &'a str, above: &str, found: &mut BTreeSet<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            match rest.chars().next() {
                Some(',') => rest = &rest[1..],
                Some('}') => return &rest[1..],
                Some(first) if is_word(first) || first == '*' || first == '{' => {
                    rest = tree(rest, above, found);
                    rest = &rest[end_of_branch(rest)..];
                }
                _ => return rest,
            }
        }
    }
    let end = text
        .find(|character| !is_word(character) && character != '*')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = if above.is_empty() {
        name.to_owned()
    } else {
        format!("{above}::{name}")
    };
    match rest.trim_start().strip_prefix("::") {
        Some(rest) if path.matches("::").count() == 0 => tree(rest, &path, found),
        _ => {
            found.insert(path);
            rest
        }
    }
}

/// Where a branch of a use tree ends: what follows two names of a path, or a new name, says
/// nothing more of where it comes from.
fn end_of_branch(text: &str) -> usize {
    let mut depth = 0;
    let end = text.find(|character| {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => return true,
            _ => {}
        }
        false
    });
    end.unwrap_or(text.len())
}

/// What a file of a room imports against the table.
fn strangers(room: &Room, source: &str, dependencies: &BTreeSet<String>) -> Vec<String> {
    let code = bare(source);
    let mut strangers = Vec::new();
    for path in paths(&code, "crate") {
        let other = path.split("::").next().unwrap_or("");
        let known = HOUSE.iter().any(|room| room.name == other);
        let allowed = room.rooms.iter().any(|&may| may == other || path == may);
        if known && other != room.name && !allowed {
            strangers.push(format!("crate::{path}"));
        }
    }
    let crates = dependencies.iter().map(String::as_str).chain(["libc"]);
    for name in crates {
        if !paths(&code, name).is_empty() && !room.crates.contains(&name) {
            strangers.push(name.to_owned());
        }
    }
    strangers
}

/// What a file says that is never said in its room; its tests may.
fn forbidden(room: &Room, source: &str) -> Vec<&'static str> {
    let code = bare(source);
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or("");
    let all = room.never.iter().chain(&NOWHERE);
    all.copied().filter(|what| code.contains(what)).collect()
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part == "tests" || part.ends_with("tests.rs") || part.starts_with("testing")
    })
}

#[test]
fn the_rooms_import_only_what_the_table_allows() {
    let dependencies = dependencies(&read(&root().join("Cargo.toml")));
    assert!(dependencies.contains("actix") && dependencies.contains("nix"));
    let mut wrong = Vec::new();
    for room in &HOUSE {
        let files = files(&format!("src/{}", room.name));
        assert!(!files.is_empty(), "the room {} is empty", room.name);
        for file in files {
            let source = read(&file);
            let said = strangers(room, &source, &dependencies);
            wrong.extend(
                said.into_iter()
                    .map(|what| format!("{}: {what}", file.display())),
            );
            if !is_test(&file) {
                let said = forbidden(room, &source);
                wrong.extend(
                    said.into_iter()
                        .map(|what| format!("{}: {what}", file.display())),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "against the table:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_stands_in_the_table() {
    let entries = fs::read_dir(root().join("src")).expect("the source");
    let mut rooms: Vec<String> = entries
        .map(|entry| entry.expect("an entry of the source"))
        .filter(|entry| entry.path().is_dir() && entry.file_name() != "bin")
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    rooms.sort();
    let mut table: Vec<&str> = HOUSE.iter().map(|room| room.name).collect();
    table.sort_unstable();
    assert_eq!(rooms, table);
}

#[test]
fn unsafe_code_is_forbidden_in_every_room_but_sys() {
    let rooms = HOUSE.iter().filter(|room| room.name != "sys");
    let mut doors: Vec<PathBuf> = rooms
        .map(|room| root().join("src").join(room.name).join("mod.rs"))
        .collect();
    doors.extend(files("src/bin"));
    for door in doors {
        let forbids = bare(&read(&door)).contains("#![forbid(unsafe_code)]");
        assert!(forbids, "{} does not forbid unsafe code", door.display());
    }
}

#[test]
fn every_unsafe_block_has_its_proof() {
    for file in files("src/sys") {
        let source = read(&file);
        let code = bare(&source);
        let blocks = code.matches("unsafe {").count() + code.matches("unsafe impl").count();
        let proofs = source.matches("SAFETY").count();
        assert!(
            proofs >= blocks,
            "{}: {blocks} blocks, {proofs} proofs",
            file.display()
        );
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for folder in ["src", "tests", "benches"] {
        if !root().join(folder).exists() {
            continue;
        }
        for file in files(folder) {
            let lines = read(&file).lines().count();
            assert!(lines <= LONGEST, "{}: {lines} lines", file.display());
        }
    }
}

#[test]
fn the_binaries_hold_no_logic() {
    for file in files("src/bin") {
        let lines = bare(&read(&file))
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count();
        assert!(lines <= 40, "{}: {lines} lines of code", file.display());
    }
}

#[test]
fn every_dependency_has_its_reason_in_the_map() {
    let map = read(&root().join("ARCHITECTURE.md"));
    assert!(
        map.lines().count() <= 200,
        "the map is longer than 200 lines"
    );
    for name in dependencies(&read(&root().join("Cargo.toml"))) {
        let rows = [name.clone(), name.replace('_', "-")].map(|name| format!("| `{name}` |"));
        assert!(
            rows.iter().any(|row| map.contains(row)),
            "ARCHITECTURE.md gives no reason for {name}"
        );
    }
    for room in &HOUSE {
        assert!(
            map.contains(&format!("`src/{}/`", room.name)),
            "{} is not on the map",
            room.name
        );
    }
}

#[test]
fn every_dependency_is_used() {
    let sources: Vec<String> = files("src").iter().map(|file| bare(&read(file))).collect();
    for name in dependencies(&read(&root().join("Cargo.toml"))) {
        let used = sources.iter().any(|code| !paths(code, &name).is_empty());
        assert!(used, "nothing in src uses {name}");
    }
}

// The reader of the tree, tried on small texts.

#[track_caller]
fn check_strangers(room: &str, source: &str, wrong: &[&str]) {
    let room = HOUSE
        .iter()
        .find(|known| known.name == room)
        .expect("a room");
    let dependencies = ["actix", "nix", "tokio", "slog"].map(str::to_owned).into();
    assert_eq!(strangers(room, source, &dependencies), wrong, "{source}");
}

#[test]
fn an_import_against_the_table_is_seen() {
    check_strangers("model", "use crate::model::name::Name;", &[]);
    check_strangers(
        "model",
        "use crate::config::Config;",
        &["crate::config::Config"],
    );
    check_strangers(
        "model",
        "fn f() { crate::sys::now() }",
        &["crate::sys::now"],
    );
    check_strangers("model", "pub(crate) fn f() {}", &[]);
    check_strangers(
        "config",
        "use crate::{model::x, sys::{self, y}};",
        &["crate::sys::self", "crate::sys::y"],
    );
    check_strangers(
        "config",
        "use crate::{model::a::{b, c as d}, sys::x::y::{e, f}, rpc::z};",
        &["crate::rpc::z", "crate::sys::x"],
    );
    check_strangers(
        "actors",
        "use crate::{\n    rpc::Api,\n    sys::Reaper,\n};",
        &["crate::rpc::Api"],
    );
    check_strangers(
        "rpc",
        "use crate::actors::{Supervisor, handle::Tail, table::Table};",
        &[],
    );
    check_strangers(
        "rpc",
        "use crate::actors::{daemon::Daemon as D, handle};",
        &["crate::actors::daemon"],
    );
    check_strangers("http", "use crate::actors::*;", &["crate::actors::*"]);
    check_strangers(
        "ctl",
        "use crate::actors::Supervisor;",
        &["crate::actors::Supervisor"],
    );
    check_strangers(
        "launch",
        "use crate::{actors::daemon::Daemon, http::serve};",
        &[],
    );
}

#[test]
fn a_crate_against_the_table_is_seen() {
    check_strangers("model", "use tokio::time;", &["tokio"]);
    check_strangers("actors", "fn f() { nix::unistd::getpid(); }", &["nix"]);
    check_strangers("actors", "use actix::Actor; use slog::info;", &[]);
    check_strangers(
        "sys",
        "use nix::sys::signal; use nix::libc; use tokio::net;",
        &["tokio"],
    );
    check_strangers(
        "sys",
        "use crate::sys::tokio::x; let a = my_tokio::b();",
        &[],
    );
}

#[test]
fn comments_and_texts_import_nothing() {
    check_strangers(
        "model",
        "// crate::sys::x\n/* tokio::y */ /// [`crate::rpc::Api`]\n",
        &[],
    );
    check_strangers(
        "model",
        "let a = \"crate::sys::x \\\" tokio::y\"; let b = 'a';",
        &[],
    );
    check_strangers(
        "model",
        "let a = r#\"crate::sys \"quoted\" tokio::y\"#;",
        &[],
    );
    check_strangers(
        "model",
        "let q = '\"'; use tokio::time; let r = '\"';",
        &["tokio"],
    );
    check_strangers(
        "model",
        "fn f<'a>(x: &'a str) { tokio::x('\\'', '\"') }",
        &["tokio"],
    );
}

#[test]
fn what_is_never_said_is_seen_outside_of_tests() {
    let model = &HOUSE[0];
    assert_eq!(
        forbidden(model, "let now = Instant::now();"),
        ["Instant::now"]
    );
    let tested = "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { Instant::now(); } }";
    assert_eq!(forbidden(model, tested), [""; 0]);
    assert_eq!(
        forbidden(&HOUSE[3], "use tokio::process::Command;"),
        ["tokio::process"]
    );
}

#[test]
fn the_manifests_dependencies_are_read() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nactix-rt = \"2\"\n# a reason\n\
                    nix = { version = \"1\" }\nslog.workspace = true\n\n[dev-dependencies]\nother = \"1\"\n";
    let found: Vec<String> = dependencies(manifest).into_iter().collect();
    assert_eq!(found, ["actix_rt", "nix", "slog"]);
}
