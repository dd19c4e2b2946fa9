//! What becomes of included files. Expected values are those of the original.

use super::super::load::tests::load_in;
use super::super::testing::Folder;
use super::super::types::{Config, Overrides};
use super::*;

/// A folder with a few files, and a main file that includes a pattern.
fn folder(files: &str) -> Folder {
    let folder = Folder::new();
    folder.write("a.conf", "[program:a]\ncommand=%(here)s\n");
    folder.write(
        "b.conf",
        "[program:b]\ncommand=b\n[program:main]\nautostart=false\n",
    );
    folder.write(
        "d/c.conf",
        "[program:c]\ncommand=%(here)s\n[include]\nfiles=../bad.conf\n",
    );
    folder.write("bad.conf", "x\n");
    folder.write("odd/u.conf", "[program:u]\ncommand=u\n\nstopsignal=x\n");
    folder.write("odd/v.conf", "[program:main]\numask=x\n");
    folder.write(
        "x.conf",
        format!("[supervisord]\n[program:main]\ncommand=%(here)s\n[include]\nfiles={files}\n"),
    );
    folder
}

fn said(folder: &Folder, config: Result<Config, crate::config::ConfigError>) -> String {
    let text = match config {
        Err(error) => error.message,
        Ok(config) => {
            let processes = config.groups.iter().flat_map(|group| &group.processes);
            let processes =
                processes.map(|process| format!("{}({})", process.name, process.command));
            let notes = config.notes.iter().map(|note| note.text.clone());
            processes.chain(notes).collect::<Vec<_>>().join("\n")
        }
    };
    text.replace(&*folder.path().to_string_lossy(), "HERE")
}

fn check(files: &str, expected: &[&str]) {
    let folder = folder(files);
    let said = said(&folder, load_in(&folder, &Overrides::default()));
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{files}");
}

#[test]
fn files_are_read_in_order_and_noted() {
    check(
        "b.conf a.conf",
        &[
            "a(HERE)",
            "b(b)",
            "main(HERE)",
            "Included extra file \"HERE/b.conf\" during parsing",
            "Included extra file \"HERE/a.conf\" during parsing",
        ],
    );
    check(
        "[ab].conf",
        &[
            "a(HERE)",
            "b(b)",
            "main(HERE)",
            "Included extra file \"HERE/a.conf\" during parsing",
            "Included extra file \"HERE/b.conf\" during parsing",
        ],
    );
}

#[test]
fn here_is_each_files_own_folder_and_its_includes_mean_nothing() {
    check(
        "%(here)s/d/*",
        &[
            "c(HERE/d)",
            "main(HERE)",
            "Included extra file \"HERE/d/c.conf\" during parsing",
        ],
    );
}

#[test]
fn a_pattern_without_files_is_warned_of() {
    check(
        "none\n  a.conf",
        &[
            "a(HERE)",
            "main(HERE)",
            "No file matches via include \"HERE/none\"",
            "Included extra file \"HERE/a.conf\" during parsing",
        ],
    );
    check("", &["main(HERE)"]);
}

#[test]
fn what_cannot_be_read_is_warned_of() {
    check(
        "d",
        &[
            "main(HERE)",
            "Extra file \"HERE/d\" could not be read: Is a directory (os error 21)",
            "Included extra file \"HERE/d\" during parsing",
        ],
    );
}

#[test]
fn errors_name_the_file_they_stand_in() {
    check(
        "bad.conf",
        &[
            "File contains no section headers.",
            "file: 'HERE/bad.conf', line: 1",
            "'x\\n'",
        ],
    );
    check(
        "odd/u.conf",
        &[
            "value 'x' is not a valid signal name in section 'program:u' (file: 'HERE/odd/u.conf') \
           (line 4)",
        ],
    );
    check(
        "odd/v.conf",
        &[
            "x can not be converted to an octal type in section 'program:main' (file: 'x.conf') \
           (file: 'HERE/odd/v.conf', line 2)",
        ],
    );
    check(
        "%(nope)s",
        &[
            "Format string '%(nope)s' for 'include.files' contains names ('nope') which cannot be \
           expanded. Available names: ENV_GREETING, ENV_HOME, ENV_TMPDIR, here, host_node_name \
           (file: 'x.conf', line 5)",
        ],
    );
}

#[test]
fn an_include_without_files_is_refused() {
    let folder = Folder::new();
    folder.write("x.conf", "[supervisord]\n[include]\n");
    assert_eq!(
        said(&folder, load_in(&folder, &Overrides::default())),
        ".ini file has [include] section, but no files setting"
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_in_pythons_words() {
    for (bytes, sentence) in [
        (&b"a\xff"[..], "byte 0xff in position 1: invalid start byte"),
        (b"\xc0\x80", "byte 0xc0 in position 0: invalid start byte"),
        (
            b"\n\xe4\xbd",
            "bytes in position 1-2: unexpected end of data",
        ),
        (
            b"\xf0\x9f\x98x",
            "bytes in position 0-2: invalid continuation byte",
        ),
        (
            b"\xe4x",
            "byte 0xe4 in position 0: invalid continuation byte",
        ),
        (
            b"\xed\xa0\x80",
            "byte 0xed in position 0: invalid continuation byte",
        ),
    ] {
        let error = decoded(bytes.to_vec(), "x.conf").map_err(crate::config::ConfigError::from);
        let message = error
            .map_err(|error| error.message)
            .unwrap_or_else(|message| message);
        let expected = format!("'utf-8' codec can't decode {sentence} (file: 'x.conf', line ");
        assert!(message.starts_with(&expected), "{message}");
    }
}
