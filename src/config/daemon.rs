//! `[supervisord]`, and the flags that beat it.

use super::error::Fault;
use super::pairs::key_value_pairs;
use super::paths::temporary_directory;
use super::percent::{Names, Scope, expand};
use super::reader::Context;
use super::types::{DaemonConfig, LogLevel, MainLogTarget, Overrides};
use super::values;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the file says of the daemon.
pub(super) struct DaemonSection {
    minfds: i64,
    minprocs: i64,
    directory: Option<PathBuf>,
    user: Option<String>,
    umask: u32,
    logfile: String,
    logfile_maxbytes: i64,
    logfile_backups: i64,
    loglevel: LogLevel,
    pidfile: String,
    identifier: String,
    nodaemon: bool,
    silent: bool,
    childlogdir: PathBuf,
    nocleanup: bool,
    strip_ansi: bool,
    /// Variables for every child.
    pub(super) environment: BTreeMap<String, String>,
}

impl DaemonSection {
    /// Reads `[supervisord]`; `env` is the environment, for the folder of temporary files.
    pub(super) fn read(
        context: &Context<'_>,
        env: &BTreeMap<String, String>,
    ) -> Result<Self, Fault> {
        let section = context
            .document
            .section("supervisord")
            .ok_or_else(|| Fault::new(".ini file does not include supervisord section"))?;
        let names = context.here_name();
        let view = context.view(section, &names);
        let around = context.around;
        let dirpath = |text: &str| values::existing_dirpath(text, around);
        let directory = |text: &str| values::existing_directory(text, around);
        Ok(Self {
            minfds: view.read("minfds", values::integer)?.unwrap_or(1024),
            minprocs: view.read("minprocs", values::integer)?.unwrap_or(200),
            directory: view.read("directory", directory)?,
            user: view.text("user")?,
            umask: view.read("umask", values::octal)?.unwrap_or(0o22),
            logfile: view
                .read("logfile", dirpath)?
                .unwrap_or_else(|| "supervisord.log".to_owned()),
            logfile_maxbytes: view
                .read("logfile_maxbytes", values::byte_size)?
                .unwrap_or(50 << 20),
            logfile_backups: view.read("logfile_backups", values::integer)?.unwrap_or(10),
            loglevel: view
                .read("loglevel", values::log_level)?
                .unwrap_or(LogLevel::Info),
            pidfile: view
                .read("pidfile", dirpath)?
                .unwrap_or_else(|| "supervisord.pid".to_owned()),
            identifier: view
                .text("identifier")?
                .unwrap_or_else(|| "supervisor".to_owned()),
            nodaemon: view.read("nodaemon", values::boolean)?.unwrap_or(false),
            silent: view.read("silent", values::boolean)?.unwrap_or(false),
            childlogdir: match view.read("childlogdir", directory)? {
                Some(path) => path,
                None => temporary_directory(env, around).into(),
            },
            nocleanup: view.read("nocleanup", values::boolean)?.unwrap_or(false),
            strip_ansi: view.read("strip_ansi", values::boolean)?.unwrap_or(false),
            environment: environment(context)?,
        })
    }

    /// The daemon as it is to be, after the flags had their say. `configfile` is the main file's
    /// absolute path.
    pub(super) fn realized(
        self,
        flags: &Overrides,
        context: &Context<'_>,
        configfile: PathBuf,
        serverurl: Option<String>,
    ) -> Result<DaemonConfig, Fault> {
        let around = context.around;
        let logfile = given(flags.logfile.as_ref()).unwrap_or(self.logfile);
        let pidfile = given(flags.pidfile.as_ref()).unwrap_or(self.pidfile);
        let childlogdir = flags.childlogdir.clone().unwrap_or(self.childlogdir);
        let user = match (&flags.user, &self.user) {
            (Some(flag), _) => Some(identity(flag, context).map_err(Fault::new)?),
            (None, Some(user)) => {
                Some(identity(user, context).map_err(|why| user_fault(context, why))?)
            }
            (None, None) => None,
        };
        Ok(DaemonConfig {
            configfile,
            logfile: if logfile == "syslog" {
                MainLogTarget::Syslog
            } else {
                MainLogTarget::File(around.normalized(&logfile).into())
            },
            logfile_maxbytes: at_least_zero(
                flags.logfile_maxbytes.unwrap_or(self.logfile_maxbytes),
            ),
            logfile_backups: count(flags.logfile_backups.unwrap_or(self.logfile_backups)),
            loglevel: flags.loglevel.unwrap_or(self.loglevel),
            pidfile: around.normalized(&pidfile).into(),
            umask: flags.umask.unwrap_or(self.umask) & 0o777,
            nodaemon: flags.nodaemon.unwrap_or(self.nodaemon),
            silent: flags.silent.unwrap_or(self.silent),
            minfds: at_least_zero(flags.minfds.unwrap_or(self.minfds)),
            minprocs: at_least_zero(flags.minprocs.unwrap_or(self.minprocs)),
            nocleanup: flags.nocleanup.unwrap_or(self.nocleanup),
            childlogdir: around.cwd.join(childlogdir),
            user,
            directory: flags.directory.clone().or(self.directory),
            strip_ansi: flags.strip_ansi.unwrap_or(self.strip_ansi),
            identifier: flags.identifier.clone().unwrap_or(self.identifier),
            serverurl,
        })
    }
}

/// A number where the original does the same for zero and for what is below it.
pub(super) fn at_least_zero(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A number of files, see [`at_least_zero`].
pub(super) fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn given(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

/// The uid and primary gid of the user to become.
fn identity(user: &str, context: &Context<'_>) -> Result<(u32, u32), String> {
    let host = context.around.host;
    let uid = values::uid(user, host)?;
    let gid = host.gid_of_uid(uid);
    Ok((uid, gid.ok_or_else(|| format!("Invalid user id {uid}"))?))
}

fn user_fault(context: &Context<'_>, why: String) -> Fault {
    match context.document.section("supervisord") {
        Some(section) => context.view(section, &Names::new()).fault("user", why),
        None => Fault::new(why),
    }
}

/// The variables for every child. Unlike all other options this one is expanded twice, and the
/// second time it may also name the host.
fn environment(context: &Context<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let Some(section) = context.document.section("supervisord") else {
        return Ok(BTreeMap::new());
    };
    let names = context.here_name();
    let view = context.view(section, &names);
    let Some(text) = view.text("environment")? else {
        return Ok(BTreeMap::new());
    };
    let wrong = |sentence| view.fault("environment", sentence);
    let names = context.host_names();
    let scope = Scope {
        local: &names,
        global: context.globals,
    };
    let text = expand(&text, scope, "environment").map_err(wrong)?;
    key_value_pairs(&text).map_err(wrong)
}
