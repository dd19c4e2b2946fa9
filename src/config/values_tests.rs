//! What single values mean. Expected values come from the original's `datatypes.py`.

use super::super::host::tests::TableHost;
use super::*;
use std::fmt::Debug;
use std::path::Path;

fn check<T: Debug + PartialEq>(
    read: fn(&str) -> Result<T, String>,
    text: &str,
    expected: Result<T, &str>,
) {
    assert_eq!(read(text), expected.map_err(str::to_owned), "{text:?}");
}

#[test]
fn names_keep_out_of_the_way_of_namespecs_and_urls() {
    check(name, " cat\t", Ok("cat".to_owned()));
    check(name, "", Ok(String::new()));
    check(
        name,
        "a b",
        Err("Invalid name: 'a b' because of character: ' '"),
    );
    check(
        name,
        " a:b/",
        Err("Invalid name: ' a:b/' because of character: ':'"),
    );
    check(
        name,
        "a/b",
        Err("Invalid name: 'a/b' because of character: '/'"),
    );
}

#[test]
fn whole_numbers() {
    check(integer, "-1", Ok(-1));
    check(integer, "1_000", Ok(1000));
    check(integer, "99999999999999999999", Ok(i64::MAX));
    check(integer, "-99_999999999999999999", Ok(i64::MIN));
    check(
        integer,
        "1.5",
        Err("invalid literal for int() with base 10: '1.5'"),
    );
    check(
        integer,
        "9999999999_",
        Err("invalid literal for int() with base 10: '9999999999_'"),
    );
    check(
        integer,
        "",
        Err("invalid literal for int() with base 10: ''"),
    );
}

#[test]
fn sizes_know_three_suffixes() {
    check(byte_size, "50MB", Ok(50 << 20));
    check(byte_size, "10 kb", Ok(10 << 10));
    check(byte_size, "-1gB", Ok(-1 << 30));
    check(byte_size, "-1", Ok(-1));
    check(byte_size, "9999999999GB", Ok(i64::MAX));
    check(
        byte_size,
        "20M",
        Err("invalid literal for int() with base 10: '20m'"),
    );
    check(
        byte_size,
        "MB",
        Err("invalid literal for int() with base 10: ''"),
    );
    check(
        byte_size,
        "1.5MB",
        Err("invalid literal for int() with base 10: '1.5'"),
    );
}

#[test]
fn switches() {
    for text in ["yes", "TRUE", "On", "1"] {
        check(boolean, text, Ok(true));
        check(auto_restart, text, Ok(AutoRestart::Always));
    }
    for text in ["no", "False", "OFF", "0"] {
        check(boolean, text, Ok(false));
        check(auto_restart, text, Ok(AutoRestart::Never));
    }
    check(auto_restart, "UnExpected", Ok(AutoRestart::Unexpected));
    check(boolean, "Maybe", Err("not a valid boolean value: 'Maybe'"));
    check(boolean, "", Err("not a valid boolean value: ''"));
    check(
        auto_restart,
        "Maybe",
        Err("invalid 'autorestart' value 'maybe'"),
    );
}

#[test]
fn lists() {
    assert_eq!(list(""), Vec::<&str>::new());
    assert_eq!(list("a, b ,,c"), ["a", "b", "", "c"]);
    check(exit_codes, "", Ok(vec![]));
    check(exit_codes, "0, 2,255", Ok(vec![0, 2, 255]));
    for text in ["256", "-1", "0,", "a"] {
        let sentence = format!("not a valid list of exit codes: '{text}'");
        check(exit_codes, text, Err(&sentence));
    }
}

#[test]
fn signals() {
    check(signal, "quit", Ok(Signal(3)));
    check(signal, "SIGUSR1", Ok(Signal(10)));
    check(signal, "9", Ok(Signal(9)));
    check(
        signal,
        "NOPE",
        Err("value 'NOPE' is not a valid signal name"),
    );
    check(signal, "99", Err("value '99' is not a valid signal number"));
}

#[test]
fn octal_numbers() {
    for (text, value) in [
        ("022", 0o22),
        ("0700", 0o700),
        ("7_00", 0o700),
        ("0o22", 0o22),
        ("0O_22", 0o22),
        (" +7 ", 7),
    ] {
        check(octal, text, Ok(value));
    }
    for text in ["", "8", "0x7", "rw", "_7", "7_", "0o", "+-7"] {
        let sentence = format!("{text} can not be converted to an octal type");
        check(octal, text, Err(&sentence));
    }
}

#[test]
fn log_levels() {
    check(log_level, "WARN", Ok(LogLevel::Warn));
    check(log_level, "blather", Ok(LogLevel::Blather));
    check(log_level, "Loud", Err("bad logging level name 'Loud'"));
}

#[test]
fn urls() {
    for text in [
        "http://localhost:9001",
        "unix:///tmp/x.sock",
        "HTTP://[::1]:80/x",
        "mailto:a",
    ] {
        check(url, text, Ok(text.to_owned()));
    }
    for text in [
        "",
        "localhost",
        "/tmp/x",
        "http://",
        "http:",
        "9:a",
        "http://?a",
    ] {
        let sentence = format!("value '{text}' is not a URL");
        check(url, text, Err(&sentence));
    }
}

#[test]
fn users_and_groups() {
    let read = |text| uid(text, &TableHost);
    assert_eq!(read("ann"), Ok(1000));
    assert_eq!(read("2000"), Ok(2000));
    assert_eq!(read("eve"), Err("Invalid user name eve".to_owned()));
    assert_eq!(read(""), Err("Invalid user name ".to_owned()));
    assert_eq!(read("7"), Err("Invalid user id 7".to_owned()));
    assert_eq!(read("-1"), Err("Invalid user id -1".to_owned()));
    let owner = |text| owner(text, &TableHost);
    assert_eq!(owner("ann"), Some((1000, None)));
    assert_eq!(owner("0:staff"), Some((0, Some(50))));
    assert_eq!(owner("ann:0"), Some((1000, Some(0))));
    for text in ["eve", "ann:", "ann:eve", "ann:7", ":staff"] {
        assert_eq!(owner(text), None, "{text}");
    }
}

#[test]
fn addresses() {
    let address = |host: &str, port| Ok((host.to_owned(), port));
    check(inet_address, "9001", address("", 9001));
    check(inet_address, "*:9001", address("", 9001));
    check(inet_address, ":9001", address("", 9001));
    check(inet_address, "LocalHost:65535", address("localhost", 65535));
    check(inet_address, "::1:80", address("::1", 80));
    check(inet_address, "a:", Err("no port number specified in ''"));
    check(
        inet_address,
        "http",
        Err("not a valid port number: 'http' "),
    );
    check(inet_address, "0", Err("not a valid port number: '0' "));
    check(
        inet_address,
        "a:b",
        Err("invalid literal for int() with base 10: 'b'"),
    );
    check(inet_address, "a:0", Err("0 is below lower bound (1)"));
    check(inet_address, "a:-1", Err("-1 is below lower bound (1)"));
    check(
        inet_address,
        "a:65536",
        Err("65536 is above upper bound (65535)"),
    );
}

#[test]
fn paths_must_lead_somewhere() {
    let around = Surroundings {
        cwd: Path::new("/"),
        host: &TableHost,
    };
    assert_eq!(existing_directory("/", around), Ok("/".into()));
    assert_eq!(existing_directory("~root", around), Ok("/".into()));
    assert_eq!(
        existing_directory("/no/such", around),
        Err("/no/such is not an existing directory".to_owned())
    );
    assert_eq!(
        existing_directory("", around),
        Err(" is not an existing directory".to_owned())
    );
    for path in ["x", "", "/x", "./x"] {
        assert_eq!(existing_dirpath(path, around), Ok(path.to_owned()));
    }
    assert_eq!(existing_dirpath("~root/x", around), Ok("/x".to_owned()));
    assert_eq!(
        existing_dirpath("/no/such/x", around),
        Err("The directory named as part of the path /no/such/x does not exist".to_owned())
    );
}
