//! `[program:x]` and its kin, multiplied out to processes.

use super::daemon::{at_least_zero, count};
use super::error::Fault;
use super::pairs::key_value_pairs;
use super::percent::{Arg, expand};
use super::raw::Section;
use super::reader::{Context, View};
use super::retry;
use super::types::{
    AutoRestart, Growth, LogFile, Note, NoteLevel, ProcessConfig, ProgramConfig, StreamConfig,
    Waits,
};
use super::values;
use crate::model::logstyle::{Format, LogStyle};
use crate::model::signal::Signal;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// More processes of one program than a machine can run; the original would try.
const MOST_PROCESSES: i64 = 100_000;

/// The processes of a section as members of a group, in the order of their numbers.
/// `environment` is what `[supervisord]` sets for every child.
pub(super) fn processes(
    context: &Context<'_>,
    section: &Section,
    group: &str,
    environment: &BTreeMap<String, String>,
    notes: &mut Vec<Note>,
) -> Result<Vec<ProcessConfig>, Fault> {
    multiplied(context, section, group, environment, notes)
        .map_err(|fault| fault.in_section(&section.name, &section.place.file))
}

fn multiplied(
    context: &Context<'_>,
    section: &Section,
    group: &str,
    environment: &BTreeMap<String, String>,
    notes: &mut Vec<Note>,
) -> Result<Vec<ProcessConfig>, Fault> {
    let (_, program) = section.name.split_once(':').unwrap_or_default();
    let program = values::name(program).map_err(|why| Fault::at(why, &section.place))?;
    let mut names = context.host_names();
    names.insert("program_name".to_owned(), Arg::Text(program));
    names.insert("group_name".to_owned(), Arg::from(group));
    let common = Common::read(context, &context.view(section, &names))?;
    let mut processes = Vec::new();
    for number in common.numbers.clone() {
        let mut names = names.clone();
        names.insert("process_num".to_owned(), Arg::Number(number));
        names.insert("numprocs".to_owned(), Arg::Number(common.numprocs));
        let own = own_environment(&context.view(section, &names))?;
        for (name, value) in &own {
            names.insert(format!("ENV_{name}"), Arg::from(value.as_str()));
        }
        let view = context.view(section, &names);
        let mut merged = environment.clone();
        merged.extend(own);
        let process = common.process(context, &view, merged, processes.last(), notes)?;
        processes.push(process);
    }
    processes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(processes)
}

/// Members of a group as it lists them, each name once. Of two with one name the one that was
/// listed later is run, as in the original, and a warning says so.
pub(super) fn once_each(
    mut processes: Vec<ProcessConfig>,
    group: &str,
    notes: &mut Vec<Note>,
) -> Vec<ProcessConfig> {
    let last: HashMap<String, usize> = processes
        .iter()
        .enumerate()
        .map(|(index, process)| (process.name.clone(), index))
        .collect();
    let mut index = 0;
    processes.retain(|process| {
        let kept = last.get(&process.name) == Some(&index);
        if !kept {
            notes.push(Note {
                level: NoteLevel::Warning,
                text: format!(
                    "Group {group} has more than one process named {}, only the last one is used",
                    process.name
                ),
            });
        }
        index += 1;
        kept
    });
    processes
}

/// What is read of a section before its processes are told apart.
struct Common {
    program: Arc<ProgramConfig>,
    numprocs: i64,
    numbers: std::ops::Range<i64>,
    stdout: Extras,
    stderr: Extras,
    /// Not expanded yet: it names the process's number.
    process_name: String,
}

/// What is read of a stream before the processes are told apart.
struct Extras {
    capture_maxbytes: i64,
    events_enabled: bool,
}

impl Extras {
    fn read(view: &View<'_>, stream: &str) -> Result<Self, Fault> {
        let capture = view.read(&format!("{stream}_capture_maxbytes"), values::byte_size)?;
        let events = view.read(&format!("{stream}_events_enabled"), values::boolean)?;
        Ok(Self {
            capture_maxbytes: capture.unwrap_or(0),
            events_enabled: events.unwrap_or(false),
        })
    }
}

impl Common {
    fn read(context: &Context<'_>, view: &View<'_>) -> Result<Self, Fault> {
        let host = context.around.host;
        let priority = view.read("priority", values::integer)?.unwrap_or(999);
        let autostart = view.read("autostart", values::boolean)?.unwrap_or(true);
        let autorestart = view.read("autorestart", values::auto_restart)?;
        let startsecs = view.read("startsecs", values::integer)?.unwrap_or(1);
        let startretries = view.read("startretries", values::integer)?.unwrap_or(3);
        let stopsignal = view.read("stopsignal", values::signal)?;
        let stopwaitsecs = view.read("stopwaitsecs", values::integer)?.unwrap_or(10);
        let stopasgroup = view.read("stopasgroup", values::boolean)?.unwrap_or(false);
        let killasgroup = view.read("killasgroup", values::boolean)?;
        let killasgroup = killasgroup.unwrap_or(stopasgroup);
        let exitcodes = view.read("exitcodes", values::exit_codes)?;
        let redirect_stderr = view.read("redirect_stderr", values::boolean)?;
        let numprocs = view.read("numprocs", values::integer)?.unwrap_or(1);
        let first = view.read("numprocs_start", values::integer)?.unwrap_or(0);
        let stdout = Extras::read(view, "stdout")?;
        let stderr = Extras::read(view, "stderr")?;
        let serverurl = view.text("serverurl")?;
        let uid = view.read("user", |text| values::uid(text, host))?;
        let umask = view.read("umask", values::octal)?;
        let process_name = process_name(view, numprocs)?;
        if stopasgroup && !killasgroup {
            let why = "Cannot set stopasgroup=true and killasgroup=false";
            return Err(view.fault("killasgroup", why));
        }
        let program = ProgramConfig {
            umask,
            priority,
            autostart,
            autorestart: autorestart.unwrap_or(AutoRestart::Unexpected),
            startsecs,
            startretries,
            waits: waits(view)?,
            restart_limit: view.read("restart_limit", retry::restart_limit)?,
            on_exit: view.read("on_exit", retry::aftermath)?.unwrap_or_default(),
            on_fatal: view.read("on_fatal", retry::aftermath)?.unwrap_or_default(),
            uid,
            stopsignal: stopsignal.unwrap_or(Signal::TERM),
            stopwaitsecs,
            stopasgroup,
            killasgroup,
            exitcodes: exitcodes.unwrap_or_else(|| vec![0]),
            redirect_stderr: redirect_stderr.unwrap_or(false),
            serverurl: serverurl.filter(|url| !url.trim().eq_ignore_ascii_case("auto")),
        };
        Ok(Self {
            program: Arc::new(program),
            numprocs,
            numbers: numbers(view, first, numprocs)?,
            stdout,
            stderr,
            process_name,
        })
    }

    /// One process. What is equal to that of the `last` one is shared with it.
    fn process(
        &self,
        context: &Context<'_>,
        view: &View<'_>,
        environment: BTreeMap<String, String>,
        last: Option<&ProcessConfig>,
        notes: &mut Vec<Note>,
    ) -> Result<ProcessConfig, Fault> {
        let directory = view.text("directory")?.map(PathBuf::from);
        let stdout = stream(context, view, "stdout", &self.stdout, notes)?;
        let mut stderr = stream(context, view, "stderr", &self.stderr, notes)?;
        if self.program.redirect_stderr {
            if matches!(stderr.logfile, LogFile::Path(_)) {
                notes.push(warning(format!(
                    "For [{}], redirect_stderr=true but stderr_logfile has also been set to a \
                     filename, the filename has been ignored",
                    view.section.name
                )));
            }
            stderr.logfile = LogFile::None;
        }
        let command = view.text("command")?.ok_or_else(|| {
            let section = &view.section.name;
            let why = format!("program section {section} does not specify a command");
            view.fault("command", why)
        })?;
        let name = expand(&self.process_name, view.scope, "process_name")
            .map_err(|why| view.fault("process_name", why))?
            .into_owned();
        let stream = |own: StreamConfig, last: Option<&Arc<StreamConfig>>| match last {
            Some(last) if **last == own => Arc::clone(last),
            Some(_) | None => Arc::new(own),
        };
        Ok(ProcessConfig {
            name,
            command,
            directory,
            environment,
            stdout: stream(stdout, last.map(|last| &last.stdout)),
            stderr: stream(stderr, last.map(|last| &last.stderr)),
            common: Arc::clone(&self.program),
        })
    }
}

/// The waits after failed starts.
fn waits(view: &View<'_>) -> Result<Waits, Fault> {
    let growth = view.read("restart_backoff", retry::growth)?;
    let growth = growth.unwrap_or(Growth::Linear);
    let longest = view.read("restart_backoff_max", retry::span)?;
    let jitter = view.read("restart_backoff_jitter", values::boolean)?;
    Ok(Waits {
        growth,
        longest: longest.or(match growth {
            Growth::Linear => None,
            Growth::Exponential => Some(retry::LONGEST_WAIT),
        }),
        jitter: jitter.unwrap_or(false),
    })
}

/// The name's format; with several processes it must tell them apart.
fn process_name(view: &View<'_>, numprocs: i64) -> Result<String, Fault> {
    let text = view.raw("process_name").map(|value| value.text.as_str());
    let name = values::name(text.unwrap_or("%(program_name)s"))
        .map_err(|why| view.fault("process_name", why))?;
    if numprocs > 1 && !name.contains("%(process_num)") {
        let why = "%(process_num) must be present within process_name when numprocs > 1";
        return Err(view.fault("process_name", why));
    }
    Ok(name)
}

fn numbers(view: &View<'_>, first: i64, numprocs: i64) -> Result<std::ops::Range<i64>, Fault> {
    if numprocs > MOST_PROCESSES {
        let why = format!("numprocs {numprocs} is above upper bound ({MOST_PROCESSES})");
        return Err(view.fault("numprocs", why));
    }
    let end = first.checked_add(numprocs).ok_or_else(|| {
        let why = format!("numprocs_start {first} leaves no numbers for {numprocs} processes");
        view.fault("numprocs_start", why)
    })?;
    Ok(first..end)
}

/// The variables that this process has of its own.
fn own_environment(view: &View<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let Some(value) = view.raw("environment") else {
        return Ok(BTreeMap::new());
    };
    expand(&value.text, view.scope, "environment")
        .and_then(|text| key_value_pairs(&text))
        .map_err(|why| view.fault("environment", why))
}

fn stream(
    context: &Context<'_>,
    view: &View<'_>,
    stream: &str,
    extras: &Extras,
    notes: &mut Vec<Note>,
) -> Result<StreamConfig, Fault> {
    let option = |rest: &str| format!("{stream}_{rest}");
    let section = &view.section.name;
    let log_option = option("logfile");
    let named = log_file(context, view, &log_option)?;
    let backups = view.read(&option("logfile_backups"), values::integer)?;
    let maxbytes = view.read(&option("logfile_maxbytes"), values::byte_size)?;
    let maxbytes = maxbytes.unwrap_or(50 << 20);
    let syslog = view
        .read(&option("syslog"), values::boolean)?
        .unwrap_or(false);
    let (logfile, syslog) = match named {
        Named::File(file) => (file, syslog),
        Named::Syslog => {
            let switch = option("syslog");
            notes.push(warning(format!(
                "For [{section}], {log_option}=syslog but this is deprecated and will be \
                 removed.  Use {switch}=true to enable syslog instead."
            )));
            (LogFile::None, true)
        }
    };
    if logfile == LogFile::Auto && maxbytes == 0 {
        notes.push(warning(format!(
            "For [{section}], AUTO logging used for {log_option} without rollover, set maxbytes \
             > 0 to avoid filling up filesystem unintentionally"
        )));
    }
    Ok(StreamConfig {
        logfile,
        maxbytes: at_least_zero(maxbytes),
        backups: count(backups.unwrap_or(10)),
        capture_maxbytes: at_least_zero(extras.capture_maxbytes),
        events_enabled: extras.events_enabled,
        syslog,
        style: style(view, stream)?,
    })
}

/// What a stream's log looks like: options that the original does not have.
fn style(view: &View<'_>, stream: &str) -> Result<Option<Arc<LogStyle>>, Fault> {
    let option = |rest: &str| format!("{stream}_logfile_{rest}");
    let format = view.read(&option("format"), values::log_format)?;
    let format = format.unwrap_or_default();
    let prefix = view.text(&option("prefix"))?;
    let prefix = prefix.filter(|prefix| !prefix.is_empty());
    if format == Format::Json && prefix.is_some() {
        let why = format!(
            "{} cannot stand before what {}=json writes, which names the program itself",
            option("prefix"),
            option("format")
        );
        return Err(view.fault(&option("prefix"), why));
    }
    if prefix.as_ref().is_some_and(|prefix| prefix.contains('\n')) {
        let why = format!("{} is to stand on one line", option("prefix"));
        return Err(view.fault(&option("prefix"), why));
    }
    let style = LogStyle {
        format,
        prefix,
        rotate: view.read(&option("rotate"), values::log_period)?,
        compress: view.read(&option("compress"), values::log_compression)?,
    };
    Ok((style != LogStyle::default()).then(|| Arc::new(style)))
}

/// What a `logfile` option names.
enum Named {
    File(LogFile),
    /// The system's log, in the way of old.
    Syslog,
}

/// The log of a stream. The option is expanded twice, as in the original: a `%` in a file's name
/// is written `%%%%`.
fn log_file(context: &Context<'_>, view: &View<'_>, option: &str) -> Result<Named, Fault> {
    let Some(once) = view.text(option)? else {
        return Ok(Named::File(LogFile::Auto));
    };
    let wrong = |why| view.fault(option, why);
    let text = expand(&once, view.scope, option).map_err(wrong)?;
    match text.to_lowercase().as_str() {
        "none" | "off" => Ok(Named::File(LogFile::None)),
        "auto" => Ok(Named::File(LogFile::Auto)),
        "syslog" => Ok(Named::Syslog),
        _ => match values::existing_dirpath(&text, context.around).map_err(wrong)? {
            // The original opens no file without a name.
            path if path.is_empty() => Ok(Named::File(LogFile::None)),
            path => Ok(Named::File(LogFile::Path(path.into()))),
        },
    }
}

pub(super) fn warning(text: String) -> Note {
    Note {
        level: NoteLevel::Warning,
        text,
    }
}
