//! What lines mean. Expected values come from Python's `RawConfigParser` itself.

use super::*;

fn read(text: &str) -> Result<Document, String> {
    let mut document = Document::default();
    document.read("x.conf", text).map(|()| document)
}

/// The document on one line: `[section] option='value' …`, options sorted.
fn shown(document: &Document) -> String {
    let sections = document.sections().iter().map(|section| {
        let options: BTreeSet<_> = section
            .options
            .keys()
            .chain(document.defaults.keys())
            .collect();
        let options = options.into_iter().fold(String::new(), |shown, option| {
            let value = document
                .value(section, option)
                .map(|value| repr(&value.text));
            format!("{shown} {option}={}", value.unwrap_or_default())
        });
        format!("[{}]{options}", section.name)
    });
    sections.collect::<Vec<_>>().join(" ")
}

fn check(text: &str, expected: &str) {
    let said = read(text).as_ref().map_or_else(Clone::clone, shown);
    assert_eq!(said, expected, "{text:?}");
}

#[test]
fn sections_and_options_are_found() {
    check("", "");
    check("[a]\n", "[a]");
    check("[a]\nx=1\ny: 2\nZ = 3", "[a] x='1' y='2' z='3'");
    check("[a]\nx=\ny:\n", "[a] x='' y=''");
    check("[a]\nx = a=b:c\ny : a=b\n", "[a] x='a=b:c' y='a=b'");
    check("[a]\na.b_c-d e = 1\n", "[a] a.b_c-d e='1'");
    check("[a b:c] trailing\nx=1\n", "[a b:c] x='1'");
    check("[a]b]c\nx=1\n", "[a]b] x='1'");
    check("[ a ]\n[]]\n", "[ a ] []]");
    check("[a]\r\nx=1\r\ny=2\rz=3\n", "[a] x='1' y='2' z='3'");
    check("  [a]\n  x=1\n  y=2\n", "[a] x='1' y='2'");
    check("[a]\n[b=1\n", "[a] [b='1'");
    check(
        "[a]\nx='q' \"r\" \\n %% $H\n",
        "[a] x='\\'q\\' \"r\" \\\\n %% $H'",
    );
    check("[a]\nx\u{a0}=\u{3000}1\u{3000}\n", "[a] x='1'");
}

#[test]
fn repeated_sections_are_one_and_the_last_value_counts() {
    check("[a]\nx=1\ny=1\n[b]\n[a]\nx=2\nX=3\n", "[a] x='3' y='1' [b]");
}

#[test]
fn the_default_section_reaches_every_other() {
    check(
        "[DEFAULT]\nx=1\ny=1\n[a]\ny=2\n[b]\n",
        "[a] x='1' y='2' [b] x='1' y='1'",
    );
    check("[a]\n[DEFAULT]\nx=1\n", "[a] x='1'");
    check("[default]\nx=1\n[a]\n", "[default] x='1' [a]");
}

#[test]
fn indented_lines_continue_a_value() {
    check("[a]\nx=1\n  2\n\t3\ny=4\n", "[a] x='1\\n2\\n3' y='4'");
    check("[a]\nx=\n  1\n  2\n", "[a] x='\\n1\\n2'");
    check("[a]\nx=1\n  y=2\n", "[a] x='1\\ny=2'");
    check("[a]\nx=1\n  [b]\ny=2\n", "[a] x='1\\n[b]' y='2'");
    check("[a]\n  x=1\n    2\n  y=3\n", "[a] x='1\\n2' y='3'");
    check("[a]\n  x=1\n y=2\n  z=3\n", "[a] x='1' y='2\\nz=3'");
    check("[a]\n  x=1\n[b]\n  y=2\n", "[a] x='1' [b] y='2'");
}

#[test]
fn empty_lines_within_a_value_are_kept() {
    check("[a]\nx=1\n\n  2\n\n\ny=3\n", "[a] x='1\\n\\n2' y='3'");
    check("[a]\nx=1\n   \n  2\n", "[a] x='1\\n\\n2'");
    check("[a]\nx=\n\n\n", "[a] x=''");
    check("[a]\n\n  x=1\n", "[a] x='1'");
}

#[test]
fn comments_are_dropped() {
    check("; c\n# c\n[a] ; c\nx=1 ; c\ny=2 # c\n", "[a] x='1' y='2'");
    check("[a]\nx=1;c\ny=2#c\n", "[a] x='1;c' y='2#c'");
    check("[a]\nx=1\t;c\ny=;c\nz= ;c\n", "[a] x='1' y=';c' z=''");
    check("[a]\nx=sh -c 'a ; b'\n", "[a] x=\"sh -c 'a\"");
    check("[a]\nx=1\n  ; c\n  2\n", "[a] x='1\\n2'");
    check("[a]\nx=1\n;c\n#c\n  2\n", "[a] x='1\\n2'");
    check("[a]\nx=1\n  2 ; c\n", "[a] x='1\\n2'");
    check("[a]\nx=1\n  2;d\n", "[a] x='1\\n2;d'");
    check("[a]\n;x=1\n #y=2\n", "[a]");
}

#[test]
fn the_first_signs_of_both_kinds_are_looked_at_before_the_second() {
    check("[a]\nx=a#b #c ;d\n", "[a] x='a#b #c'");
    check("[a]\nx=a#b #c d;e\n", "[a] x='a#b'");
    check("[a]\nx=a;b;c #d ;e\n", "[a] x='a;b;c'");
    check("[a]\nx=a;b ;c #d\n", "[a] x='a;b ;c'");
}

#[test]
fn what_python_refuses_is_refused_in_its_words() {
    check(
        "x=1\n",
        "File contains no section headers.\nfile: 'x.conf', line: 1\n'x=1\\n'",
    );
    check(
        "\n;c\n  x=1",
        "File contains no section headers.\nfile: 'x.conf', line: 3\n'  x=1'",
    );
    check(
        "\u{feff}[a]\nx=1\n",
        "File contains no section headers.\nfile: 'x.conf', line: 1\n'\\ufeff[a]\\n'",
    );
    check(
        "[a]\nx\ny=1\n=2\n[]\n",
        "Source contains parsing errors: 'x.conf'\n\t[line  2]: 'x\\n'\n\t[line  4]: '=2\\n'\n\t[line  5]: '[]\\n'",
    );
    check(
        "[a]\nx=1\ny\n  z\n",
        "Source contains parsing errors: 'x.conf'\n\t[line  3]: 'y\\n'",
    );
}

#[test]
fn values_know_their_place() {
    let mut document = read("[a]\nx=1\n\n  2\n[b]\n").unwrap_or_default();
    let more = document.read("y.conf", "\n[a]\nz=3\n[c]\n");
    assert_eq!(more, Ok(()));
    let place = |section: &str, option: &str| {
        let section = document.section(section)?;
        let value = document.value(section, option)?;
        Some(format!("{}:{}", value.place.file, value.place.line))
    };
    assert_eq!(place("a", "x").as_deref(), Some("x.conf:2"));
    assert_eq!(place("a", "z").as_deref(), Some("y.conf:3"));
    assert_eq!(place("a", "y"), None);
    let begins = document.section("c").map(|section| section.place.clone());
    assert_eq!(begins.map(|place| place.line), Some(4));
}

#[test]
fn the_folder_of_each_file_is_put_in() {
    let mut document =
        read("[DEFAULT]\nd=%(here)s/d\n[a]\nx=%(here)s:%(here)s\n").unwrap_or_default();
    document.replace_here("/1");
    let more = document.read("y.conf", "[b]\ny=%(here)s\n[a]\nz=%%(here)s\n");
    assert_eq!(more, Ok(()));
    document.replace_here("/2");
    assert_eq!(
        shown(&document),
        "[a] d='/1/d' x='/1:/1' z='%/2' [b] d='/2/d' y='/2'"
    );
}
