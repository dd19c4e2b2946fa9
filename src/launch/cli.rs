//! The flags of `supervisord`.
//!
//! One table serves the reading and the help text. Wrong usage is said in the original's words,
//! whose two lines on standard error and exit code 2 scripts look for.

use crate::config::values::{
    byte_size, existing_directory, existing_dirpath, integer, log_level, octal,
};
use crate::config::{ConfigError, Overrides, Surroundings};
use crate::model::getopt::{GetoptError, Known, getopt};
use crate::model::text::repr;
use std::fmt::{self, Write as _};

/// What is said on standard error when root starts without `-c` and the file is searched for.
pub const ROOT_SEARCH_WARNING: &str = "Supervisord is running as root and it is searching for \
    its configuration file in default locations (including its current working directory); you \
    probably want to specify a \"-c\" argument specifying an absolute path to a configuration \
    file for improved security.";

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// To print this help text and leave.
    Help(String),
    /// To print the version and leave.
    Version,
    /// To run.
    Run(Box<Flags>),
}

/// The flags of a daemon that is to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `-c`, as it was given; without it the file is searched for.
    pub configfile: Option<String>,
    /// All other flags.
    pub overrides: Overrides,
}

/// A command line that asks for nothing we can do, or a start that its config forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

impl UsageError {
    /// The two lines for standard error; `program` is how we were called.
    pub fn lines(&self, program: &str) -> String {
        format!("Error: {}\nFor help, use {program} -h\n", self.0)
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

impl From<ConfigError> for UsageError {
    fn from(error: ConfigError) -> Self {
        Self(error.message)
    }
}

impl From<GetoptError> for UsageError {
    fn from(error: GetoptError) -> Self {
        Self(error.to_string())
    }
}

/// Reads a command line without the program's name, which is `program`.
///
/// # Errors
/// The original's sentence about the first thing that is wrong.
pub fn parse(
    program: &str,
    args: &[String],
    around: Surroundings<'_>,
) -> Result<Invocation, UsageError> {
    let known = TABLE.map(|row| row.known);
    let (given, positional) = getopt(args, &known)?;
    if !positional.is_empty() {
        let words: Vec<String> = positional.iter().map(|word| repr(word)).collect();
        let words = words.join(", ");
        let why = format!("positional arguments are not supported: [{words}]");
        return Err(UsageError(why));
    }
    let mut flags = Flags::default();
    for flag in given {
        let set = match TABLE[flag.index].action {
            Action::Help => return Ok(Invocation::Help(help(program))),
            Action::Version => return Ok(Invocation::Version),
            Action::Refuse(why) => return Err(UsageError(format!("option {} {why}", flag.name))),
            Action::Set(set) => set,
        };
        let (name, value) = (&flag.name, flag.value);
        let was_free = set(&mut flags, value, around).map_err(|why| {
            UsageError(format!("invalid value for {name} {}: {why}", repr(value)))
        })?;
        if !was_free {
            let why = format!("conflicting command line option {}", repr(name));
            return Err(UsageError(why));
        }
    }
    Ok(Invocation::Run(Box::new(flags)))
}

/// A flag, what it does, and what the help text says of it.
#[derive(Clone, Copy)]
struct Row {
    known: Known,
    /// How the help text names the value; empty for a flag without one.
    value: &'static str,
    help: &'static str,
    action: Action,
}

/// Lays a value into the flags; tells whether there was none before.
type Set = fn(&mut Flags, &str, Surroundings<'_>) -> Result<bool, String>;

#[derive(Clone, Copy)]
enum Action {
    Help,
    Version,
    Set(Set),
    Refuse(&'static str),
}

const fn row(
    short: Option<char>,
    long: Option<&'static str>,
    value: &'static str,
    help: &'static str,
    action: Action,
) -> Row {
    Row {
        known: Known {
            short,
            long,
            takes_value: !value.is_empty(),
        },
        value,
        help,
        action,
    }
}

const fn set(
    short: char,
    long: &'static str,
    value: &'static str,
    help: &'static str,
    set: Set,
) -> Row {
    row(Some(short), Some(long), value, help, Action::Set(set))
}

fn put<T>(slot: &mut Option<T>, value: T) -> bool {
    slot.replace(value).is_none()
}

/// All flags, in the order of the help text.
const TABLE: [Row; 21] = [
    set(
        'c',
        "configuration",
        "FILENAME",
        "the config file; else the usual places count",
        |flags, value, _| Ok(put(&mut flags.configfile, value.to_owned())),
    ),
    set(
        'n',
        "nodaemon",
        "",
        "stay in the foreground (as 'nodaemon=true' in the config)",
        |flags, _, _| Ok(put(&mut flags.overrides.nodaemon, true)),
    ),
    set(
        's',
        "silent",
        "",
        "in the foreground print no log (as 'silent=true' in the config)",
        |flags, _, _| Ok(put(&mut flags.overrides.silent, true)),
    ),
    row(
        Some('h'),
        Some("help"),
        "",
        "print this text and leave",
        Action::Help,
    ),
    row(
        Some('v'),
        Some("version"),
        "",
        "print the version and leave",
        Action::Version,
    ),
    set(
        'u',
        "user",
        "USER",
        "become this user, given by name or uid",
        |flags, value, _| Ok(put(&mut flags.overrides.user, value.to_owned())),
    ),
    set(
        'm',
        "umask",
        "UMASK",
        "the umask in the background, in octal (022 if not given)",
        |flags, value, _| Ok(put(&mut flags.overrides.umask, octal(value)?)),
    ),
    set(
        'd',
        "directory",
        "DIRECTORY",
        "change to it when going to the background",
        |flags, value, around| {
            let directory = existing_directory(value, around)?;
            Ok(put(&mut flags.overrides.directory, directory))
        },
    ),
    set(
        'l',
        "logfile",
        "FILENAME",
        "write the main log to this file, or to 'syslog'",
        |flags, value, around| {
            let path = existing_dirpath(value, around)?;
            Ok(put(&mut flags.overrides.logfile, path))
        },
    ),
    set(
        'y',
        "logfile_maxbytes",
        "BYTES",
        "begin a new main log at this size, e.g. 50MB",
        |flags, value, _| {
            Ok(put(
                &mut flags.overrides.logfile_maxbytes,
                byte_size(value)?,
            ))
        },
    ),
    set(
        'z',
        "logfile_backups",
        "NUM",
        "keep this many old main logs",
        |flags, value, _| Ok(put(&mut flags.overrides.logfile_backups, integer(value)?)),
    ),
    set(
        'e',
        "loglevel",
        "LEVEL",
        "what the main log holds: critical, error, warn, info,\ndebug, trace or blather",
        |flags, value, _| Ok(put(&mut flags.overrides.loglevel, log_level(value)?)),
    ),
    set(
        'j',
        "pidfile",
        "FILENAME",
        "write our pid to this file",
        |flags, value, around| {
            let path = existing_dirpath(value, around)?;
            Ok(put(&mut flags.overrides.pidfile, path))
        },
    ),
    set(
        'i',
        "identifier",
        "STR",
        "the name of this supervisord among others",
        |flags, value, _| Ok(put(&mut flags.overrides.identifier, value.to_owned())),
    ),
    set(
        'q',
        "childlogdir",
        "DIRECTORY",
        "where logs of programs are made that name none",
        |flags, value, around| {
            let directory = existing_directory(value, around)?;
            Ok(put(&mut flags.overrides.childlogdir, directory))
        },
    ),
    set(
        'k',
        "nocleanup",
        "",
        "leave such logs of earlier runs where they are",
        |flags, _, _| Ok(put(&mut flags.overrides.nocleanup, true)),
    ),
    set(
        'a',
        "minfds",
        "NUM",
        "do not start with fewer file descriptors than this",
        |flags, value, _| Ok(put(&mut flags.overrides.minfds, integer(value)?)),
    ),
    set(
        't',
        "strip_ansi",
        "",
        "take escape sequences out of the programs' output",
        |flags, _, _| Ok(put(&mut flags.overrides.strip_ansi, true)),
    ),
    row(
        None,
        Some("minprocs"),
        "NUM",
        "do not start with fewer processes than this",
        Action::Set(|flags, value, _| Ok(put(&mut flags.overrides.minprocs, integer(value)?))),
    ),
    // The original's profiler; known so that prefixes of long flags mean what they mean there.
    row(
        None,
        Some("profile_options"),
        "OPTIONS",
        "",
        Action::Refuse("is not supported"),
    ),
    row(Some('?'), None, "", "", Action::Help),
];

fn help(program: &str) -> String {
    let mut text = format!(
        "supervisord -- keep programs running.\n\nUsage: {program} [options]\n\nOptions:\n"
    );
    for row in TABLE.iter().filter(|row| !row.help.is_empty()) {
        let long = row.known.long.unwrap_or_default();
        let mut lead = match row.known.short {
            Some(short) => format!("-{short}/--{long}"),
            None => format!("--{long}"),
        };
        if !row.value.is_empty() {
            let _ = write!(lead, " {}", row.value);
        }
        let continued = format!("\n{}", " ".repeat(lead.len() + 4));
        let _ = writeln!(text, "{lead} -- {}", row.help.replace('\n', &continued));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Host, LogLevel};
    use std::path::Path;

    /// A machine on which nobody lives.
    struct Nobody;

    impl Host for Nobody {
        fn uid_of_name(&self, _: &str) -> Option<u32> {
            None
        }
        fn gid_of_uid(&self, _: u32) -> Option<u32> {
            None
        }
        fn gid_of_name(&self, _: &str) -> Option<u32> {
            None
        }
        fn has_gid(&self, _: u32) -> bool {
            false
        }
        fn home_of(&self, _: Option<&str>) -> Option<String> {
            None
        }
        fn own_uid(&self) -> u32 {
            0
        }
        fn node_name(&self) -> String {
            String::new()
        }
    }

    fn read(args: &[&str]) -> Result<Invocation, UsageError> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let around = Surroundings {
            cwd: Path::new("/"),
            host: &Nobody,
        };
        parse("supervisord", &args, around)
    }

    fn check(args: &[&str], expected: Flags) {
        assert_eq!(
            read(args),
            Ok(Invocation::Run(Box::new(expected))),
            "{args:?}"
        );
    }

    fn check_refused(args: &[&str], why: &str) {
        assert_eq!(read(args), Err(UsageError(why.to_owned())), "{args:?}");
    }

    #[test]
    fn flags_are_read_in_their_short_and_long_forms() {
        check(&[], Flags::default());
        let expected = Flags {
            configfile: Some("x.conf".to_owned()),
            overrides: Overrides {
                nodaemon: Some(true),
                silent: Some(true),
                user: Some("me".to_owned()),
                umask: Some(0o27),
                directory: Some("/".into()),
                logfile: Some("/x.log".to_owned()),
                logfile_maxbytes: Some(1 << 20),
                logfile_backups: Some(-1),
                loglevel: Some(LogLevel::Debug),
                pidfile: Some("x.pid".to_owned()),
                identifier: Some("me".to_owned()),
                childlogdir: Some("/".into()),
                nocleanup: Some(true),
                minfds: Some(9),
                strip_ansi: Some(true),
                minprocs: Some(8),
            },
        };
        let short = "-c x.conf -nsu me -m027 -d / -l /x.log -y 1MB -z -1 -e DEBUG -j x.pid -i me -q / -ka9 -t --minprocs 8";
        check(&short.split(' ').collect::<Vec<_>>(), expected.clone());
        let long = "--conf x.conf --nod --sil --us me --um 027 --d / --logfile /x.log \
            --logfile_m 1MB --logfile_b=-1 --logl debug --pi x.pid --i me --ch / --noc \
            --minf 9 --st --minp 8";
        check(&long.split_whitespace().collect::<Vec<_>>(), expected);
    }

    // Expected sentences printed by the original.
    #[test]
    fn wrong_usage_is_said_in_the_originals_words() {
        check_refused(&["--foo"], "option --foo not recognized");
        check_refused(&["-x"], "option -x not recognized");
        check_refused(&["-c"], "option -c requires argument");
        check_refused(
            &["--nodaemon=1"],
            "option --nodaemon must not have an argument",
        );
        check_refused(&["--s"], "option --s not a unique prefix");
        check_refused(&["--p"], "option --p not a unique prefix");
        check_refused(
            &["-n", "x", "it's"],
            "positional arguments are not supported: ['x', \"it's\"]",
        );
        check_refused(
            &["-c", "a", "-c", "b"],
            "conflicting command line option '-c'",
        );
        check_refused(
            &["-n", "--nodaemon"],
            "conflicting command line option '--nodaemon'",
        );
        check_refused(
            &["-m", "9"],
            "invalid value for -m '9': 9 can not be converted to an octal type",
        );
        check_refused(
            &["--logfile=/no/such/x"],
            "invalid value for --logfile '/no/such/x': The directory named as part of the path \
             /no/such/x does not exist",
        );
        check_refused(
            &["-y", "20M"],
            "invalid value for -y '20M': invalid literal for int() with base 10: '20m'",
        );
        check_refused(
            &["-a", "x"],
            "invalid value for -a 'x': invalid literal for int() with base 10: 'x'",
        );
        check_refused(
            &["-e", "Loud"],
            "invalid value for -e 'Loud': bad logging level name 'Loud'",
        );
        check_refused(
            &["-d", "/no/such"],
            "invalid value for -d '/no/such': /no/such is not an existing directory",
        );
        let error = UsageError("no".to_owned());
        assert_eq!(
            error.lines("/bin/supervisord"),
            "Error: no\nFor help, use /bin/supervisord -h\n"
        );
    }

    #[test]
    fn the_first_flag_that_asks_for_a_text_gets_it() {
        assert_eq!(read(&["-v", "-h"]), Ok(Invocation::Version));
        assert_eq!(read(&["-v", "-c", "a", "-c", "b"]), Ok(Invocation::Version));
        for args in [["-h", "-v"], ["-?", "-n"], ["--help", "-mx"]] {
            assert!(matches!(read(&args), Ok(Invocation::Help(_))), "{args:?}");
        }
        check_refused(&["-h", "-x"], "option -x not recognized");
    }

    #[test]
    fn the_help_text_names_every_flag() {
        let text = help("supervisord");
        for row in TABLE.iter().filter(|row| !row.help.is_empty()) {
            let long = row.known.long.unwrap_or_default();
            assert!(text.contains(&format!("--{long}")), "{long}");
        }
        assert!(text.contains("\n-c/--configuration FILENAME -- "));
        assert!(text.contains("\n--minprocs NUM -- "));
        let longest = text.lines().map(str::len).max();
        assert!(longest < Some(80), "{text}");
    }
}
