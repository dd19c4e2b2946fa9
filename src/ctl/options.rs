//! The command line, and what the config file adds to it.

use super::api::Target;
use super::trouble::Origin;
use crate::config::ClientConfig;
use crate::model::getopt::{Given, Known, getopt};
use crate::model::text::repr;
use crate::rpc::client::Login;
use std::path::PathBuf;

/// What `-h` prints, with the program's name for `%s`.
const HELP: &str = include_str!("help.txt");

/// What is to be done, and with which daemon.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) target: Target,
    pub(super) interactive: bool,
    pub(super) prompt: String,
    pub(super) history_file: Option<PathBuf>,
    pub(super) origin: Origin,
    /// The action's words.
    pub(super) words: Vec<String>,
}

/// Why there is nothing to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Help was asked for: this text.
    Help(String),
    /// The command line or the config file makes no sense: this message, in two lines.
    Usage(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    Help,
    Configuration,
    Interactive,
    Serverurl,
    Username,
    Password,
    History,
}

const FLAGS: [(Flag, Known); 9] = [
    flag(Flag::Help, 'h', Some("help"), false),
    flag(Flag::Help, '?', None, false),
    flag(Flag::Configuration, 'c', Some("configuration"), true),
    flag(Flag::Interactive, 'i', Some("interactive"), false),
    flag(Flag::Serverurl, 's', Some("serverurl"), true),
    flag(Flag::Username, 'u', Some("username"), true),
    flag(Flag::Password, 'p', Some("password"), true),
    flag(Flag::History, 'r', Some("history_file"), true),
    // The name that the help text gives it.
    (
        Flag::History,
        Known {
            short: None,
            long: Some("history-file"),
            takes_value: true,
        },
    ),
];

/// Where passwords stand among the words of a command line, the program first: which word, and
/// from which byte of it on.
pub fn secrets(words: &[&[u8]]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut index = 1;
    while let Some(word) = words.get(index) {
        let (is_password, value) = match *word {
            [b'-', b'-', long @ ..] if !long.is_empty() => {
                let value = long.iter().position(|&byte| byte == b'=');
                let takes_value =
                    matches!(long, [b'c' | b's' | b'u' | b'p', ..] | [b'h', b'i', ..]);
                let place = value.map(|equals| (index, equals + 3));
                (
                    long[0] == b'p',
                    place.or(takes_value.then_some((index + 1, 0))),
                )
            }
            [b'-', shorts @ ..] if !shorts.is_empty() && shorts != b"-" => {
                let place = shorts.iter().position(|flag| b"csupr".contains(flag));
                let is_password = place.is_some_and(|place| shorts[place] == b'p');
                let value = place.map(|place| match shorts.len() - place {
                    1 => (index + 1, 0),
                    _ => (index, place + 2),
                });
                (is_password, value)
            }
            _ => break,
        };
        found.extend(value.filter(|_| is_password));
        index = value.map_or(index, |(index, _)| index) + 1;
    }
    found
}

const fn flag(
    flag: Flag,
    short: char,
    long: Option<&'static str>,
    takes_value: bool,
) -> (Flag, Known) {
    let known = Known {
        short: Some(short),
        long,
        takes_value,
    };
    (flag, known)
}

/// What the flags say, before the config file is looked at.
#[derive(Default)]
struct Flags {
    configuration: Option<String>,
    interactive: Option<String>,
    serverurl: Option<String>,
    username: Option<String>,
    password: Option<String>,
    history: Option<String>,
}

impl Options {
    /// Reads the command line, without the program's name, and the config file through `load`,
    /// which is given the `-c` flag; it finds none only if the flag is not there.
    pub(super) fn read(
        program: &str,
        args: &[String],
        load: impl FnOnce(Option<&str>) -> Result<Option<(PathBuf, ClientConfig)>, String>,
    ) -> Result<Self, Stop> {
        let usage = |message: String| {
            Stop::Usage(format!("Error: {message}\nFor help, use {program} -h\n"))
        };
        let known = FLAGS.map(|(_, known)| known);
        let (given, words) = getopt(args, &known).map_err(|error| usage(error.to_string()))?;
        let mut flags = Flags::default();
        for given in &given {
            let (flag, _) = FLAGS[given.index];
            if flag == Flag::Help {
                return Err(Stop::Help(HELP.replace("%s", program)));
            }
            flags.take(flag, given).map_err(usage)?;
        }
        let config = load(flags.configuration.as_deref()).map_err(usage)?;
        let (origin, config) = match config {
            None => (Origin::Default, ClientConfig::default()),
            Some((path, config)) => (Origin::File(path), config),
        };
        Ok(Self {
            origin: flags.serverurl.as_ref().map_or(origin, |_| Origin::Person),
            target: Target {
                url: flags.serverurl.unwrap_or(config.serverurl),
                login: Login {
                    username: flags.username.or(config.username),
                    password: flags.password.or(config.password),
                },
            },
            interactive: flags.interactive.is_some() || words.is_empty(),
            prompt: config.prompt,
            history_file: flags.history.map(PathBuf::from).or(config.history_file),
            words: words.to_vec(),
        })
    }
}

impl Flags {
    fn take(&mut self, flag: Flag, given: &Given<'_>) -> Result<(), String> {
        let place = match flag {
            Flag::Help => return Ok(()),
            Flag::Configuration => &mut self.configuration,
            Flag::Interactive => &mut self.interactive,
            Flag::Serverurl => &mut self.serverurl,
            Flag::Username => &mut self.username,
            Flag::Password => &mut self.password,
            Flag::History => &mut self.history,
        };
        if flag == Flag::Serverurl && !is_url(given.value) {
            let value = repr(given.value);
            return Err(format!(
                "invalid value for {} {value}: value {value} is not a URL",
                given.name
            ));
        }
        if place.is_some() {
            let name = repr(&given.name);
            return Err(format!("conflicting command line option {name}"));
        }
        *place = Some(given.value.to_owned());
        Ok(())
    }
}

/// Whether Python's `urlparse` sees a scheme, and a host or a path behind it.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    is_scheme && !rest.is_empty() && !rest.starts_with(['?', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (PathBuf, ClientConfig) {
        let config = ClientConfig {
            serverurl: "unix:///run/s.sock".to_owned(),
            username: Some("user".to_owned()),
            password: Some("secret".to_owned()),
            prompt: "pets".to_owned(),
            history_file: Some("/home/h".into()),
        };
        ("/etc/s.conf".into(), config)
    }

    fn read(args: &str, file: Option<(PathBuf, ClientConfig)>) -> Result<Options, Stop> {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        Options::read("ctl", &args, |_| Ok(file))
    }

    fn check_usage(args: &str, message: &str) {
        let usage = format!("Error: {message}\nFor help, use ctl -h\n");
        assert_eq!(
            read(args, None).map(drop),
            Err(Stop::Usage(usage)),
            "{args}"
        );
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let options = read("status", None).expect("one action");
        assert_eq!(options.target.url, "http://localhost:9001");
        assert_eq!(options.origin, Origin::Default);
        assert_eq!(options.prompt, "supervisor");

        let options = read("status", Some(file())).expect("one action");
        assert_eq!(options.target.url, "unix:///run/s.sock");
        assert_eq!(options.target.login.username.as_deref(), Some("user"));
        assert_eq!(options.origin, Origin::File("/etc/s.conf".into()));
        assert_eq!(options.history_file, Some("/home/h".into()));

        let flags = "-s http://h:1 -u me --pass=mine --history-file h status";
        let options = read(flags, Some(file())).expect("one action");
        assert_eq!(options.target.url, "http://h:1");
        assert_eq!(options.target.login.username.as_deref(), Some("me"));
        assert_eq!(options.target.login.password.as_deref(), Some("mine"));
        assert_eq!(options.origin, Origin::Person);
        assert_eq!(options.history_file, Some("h".into()));
        assert!(!format!("{options:?}").contains("mine"));
    }

    #[test]
    fn passwords_are_found_wherever_they_stand() {
        let check = |line: &str, expected: &[(usize, usize)]| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            assert_eq!(secrets(&words), expected, "{line}");
        };
        check("ctl -p x status", &[(2, 0)]);
        check("ctl -px status", &[(1, 2)]);
        check("ctl -ipx", &[(1, 3)]);
        check("ctl -u -p -p x", &[(4, 0)]);
        check("ctl --password x --pass=y", &[(2, 0), (3, 7)]);
        check(
            "ctl --serverurl=p --history-file -p --password=",
            &[(4, 11)],
        );
        check("ctl -c -px status -p x", &[]);
        check("ctl start -p", &[]);
        check("ctl -- -p x", &[]);
        check("ctl -p", &[(2, 0)]);
        check("ctl - -p x", &[]);
    }

    #[test]
    fn without_an_action_it_is_a_shell() {
        let is_interactive = |args| read(args, None).expect(args).interactive;
        assert!(is_interactive(""));
        assert!(is_interactive("-i status"));
        assert!(!is_interactive("status"));
        let options = read("tail -f cat", None).expect("one action");
        assert_eq!(options.words, ["tail", "-f", "cat"]);
    }

    #[test]
    fn what_makes_no_sense_is_two_lines() {
        check_usage("-x", "option -x not recognized");
        check_usage("-s", "option -s requires argument");
        check_usage("-i -i", "conflicting command line option '-i'");
        check_usage(
            "-u a --user b",
            "conflicting command line option '--username'",
        );
        for url in ["foo", "http:", "://x", "1http://x", "http://?x"] {
            check_usage(
                &format!("-s {url} status"),
                &format!("invalid value for -s '{url}': value '{url}' is not a URL"),
            );
        }
        let failed = Options::read("ctl", &[], |_| {
            Err("could not find config file x".to_owned())
        });
        let usage = "Error: could not find config file x\nFor help, use ctl -h\n";
        assert_eq!(failed.map(drop), Err(Stop::Usage(usage.to_owned())));
    }

    #[test]
    fn help_names_the_program_as_it_was_called() {
        let Err(Stop::Help(text)) = read("-h", None) else {
            panic!("-h asks for help");
        };
        assert!(text.contains("\nUsage: ctl [options] [action [arguments]]\n"));
    }
}
