//! Commands: each is one call of the handle, answered when the handle says that it has happened.

use super::api::Api;
use super::args::{Args, incorrect, number, text};
use super::faults::FaultKind;
use super::xml::{Fault, Value, Writer};
use crate::actors::handle::{
    AddError, CannotReread, Outcome, RemoveError, SignalError, StartError, StdinError, StopError,
    Unknown,
};
use crate::model::name::{DisplayName, Namespec};
use crate::model::signal::Signal;
use std::sync::Arc;

impl Api {
    pub(super) async fn start_process<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let name = args.text()?;
        let wait = args.truth();
        match self.resolve(&name)? {
            (group, None) => self.start_members(group, wait, out).await,
            (group, Some(process)) => {
                let result = self.supervisor.start(group, process, wait).await;
                result.map_err(|why| start_fault(why, &name))?;
                Ok(out.boolean(true))
            }
        }
    }

    pub(super) async fn start_group<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let group = args.group()?;
        self.start_members(&group, args.truth(), out).await
    }

    async fn start_members<'w>(
        &self,
        group: &str,
        wait: bool,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        match self.supervisor.start_group(group, wait).await {
            Ok(outcomes) => Ok(each(outcomes, start_fault, out)),
            Err(Unknown) => Err(FaultKind::BadName.about(group)),
        }
    }

    pub(super) async fn start_all<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> &'w mut Writer {
        let outcomes = self.supervisor.start_all(args.truth()).await;
        each(outcomes, start_fault, out)
    }

    pub(super) async fn stop_process<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let name = args.text()?;
        let wait = args.truth();
        match self.resolve(&name)? {
            (group, None) => self.stop_members(group, wait, out).await,
            (group, Some(process)) => {
                let result = self.supervisor.stop(group, process, wait).await;
                result.map_err(|why| stop_fault(why, &name))?;
                Ok(out.boolean(true))
            }
        }
    }

    pub(super) async fn stop_group<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let group = args.group()?;
        self.stop_members(&group, args.truth(), out).await
    }

    async fn stop_members<'w>(
        &self,
        group: &str,
        wait: bool,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        match self.supervisor.stop_group(group, wait).await {
            Ok(outcomes) => Ok(each(outcomes, stop_fault, out)),
            Err(Unknown) => Err(FaultKind::BadName.about(group)),
        }
    }

    pub(super) async fn stop_all<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> &'w mut Writer {
        let outcomes = self.supervisor.stop_all(args.truth()).await;
        each(outcomes, stop_fault, out)
    }

    pub(super) async fn signal_process<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let name = args.text()?;
        let signal = args.value();
        match self.resolve(&name)? {
            (group, None) => self.signal_members(group, signal, out).await,
            (group, Some(process)) => {
                let signal = signal_of(signal)?;
                let result = self.supervisor.signal(group, process, signal).await;
                result.map_err(|why| signal_fault(why, &name))?;
                Ok(out.boolean(true))
            }
        }
    }

    pub(super) async fn signal_group<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let group = args.group()?;
        self.signal_members(&group, args.value(), out).await
    }

    async fn signal_members<'w>(
        &self,
        group: &str,
        signal: Value,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let unknown = || FaultKind::BadName.about(group);
        let rows = self.supervisor.table().group(group).ok_or_else(unknown)?;
        match signal_of(signal) {
            Ok(signal) => match self.supervisor.signal_group(group, signal).await {
                Ok(outcomes) => Ok(each(outcomes, signal_fault, out)),
                Err(Unknown) => Err(unknown()),
            },
            Err(fault) => bad_signal_for_each(&[rows], &fault, out),
        }
    }

    pub(super) async fn signal_all<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        match signal_of(args.value()) {
            Ok(signal) => {
                let outcomes = self.supervisor.signal_all(signal).await;
                Ok(each(outcomes, signal_fault, out))
            }
            Err(fault) => bad_signal_for_each(&self.supervisor.table().groups(), &fault, out),
        }
    }

    pub(super) async fn send_stdin<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let name = args.value();
        let bytes = match args.value() {
            Value::String(text) => text.into_bytes(),
            Value::Base64(bytes) => bytes,
            Value::Int(number) => return Err(FaultKind::IncorrectParameters.about(number)),
            Value::Bool(_)
            | Value::Double(_)
            | Value::DateTime(_)
            | Value::Array(_)
            | Value::Struct(_)
            | Value::Nil => return Err(incorrect()),
        };
        let name = text(name).ok_or_else(incorrect)?;
        let row = self.need_row(&name)?;
        match self
            .supervisor
            .write_stdin(&row.group, &row.name, bytes)
            .await
        {
            Ok(()) => Ok(out.boolean(true)),
            Err(StdinError::Unknown) => Err(FaultKind::BadName.about(name)),
            Err(StdinError::NotRunning) => Err(FaultKind::NotRunning.about(name)),
            Err(StdinError::Closed) => Err(FaultKind::NoFile.about(name)),
            Err(StdinError::Full) => Err(FaultKind::Failed.about(format_args!(
                "{name} does not read its stdin, and no more is kept for it"
            ))),
        }
    }

    pub(super) async fn send_remote_event<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let mut word = || match args.value() {
            Value::Int(number) => Ok(number.to_string()),
            other => text(other).ok_or_else(incorrect),
        };
        let (kind, data) = (word()?, word()?);
        self.supervisor.send_remote_event(kind, data).await;
        Ok(out.boolean(true))
    }

    pub(super) async fn reload_config<'w>(
        &self,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let diff = self.supervisor.reread().await.map_err(cannot_reread)?;
        out.begin_array().begin_array();
        for names in [&diff.added, &diff.changed, &diff.removed] {
            out.begin_array();
            for name in names {
                out.string(name);
            }
            out.end_array();
        }
        Ok(out.end_array().end_array())
    }

    pub(super) async fn add_group<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let name = args.group()?;
        match self.supervisor.add_group(&name).await {
            Ok(()) => Ok(out.boolean(true)),
            Err(AddError::Unknown) => Err(FaultKind::BadName.about(name)),
            Err(AddError::AlreadyAdded) => Err(FaultKind::AlreadyAdded.about(name)),
            Err(AddError::ShuttingDown) => Err(FaultKind::ShutdownState.plain()),
        }
    }

    pub(super) async fn remove_group<'w>(
        &self,
        args: &mut Args,
        out: &'w mut Writer,
    ) -> Result<&'w mut Writer, Fault> {
        let name = args.group()?;
        match self.supervisor.remove_group(&name).await {
            Ok(()) => Ok(out.boolean(true)),
            Err(RemoveError::Unknown) => Err(FaultKind::BadName.about(name)),
            Err(RemoveError::StillRunning) => Err(FaultKind::StillRunning.about(name)),
        }
    }

    pub(super) async fn shutdown<'w>(&self, out: &'w mut Writer) -> &'w mut Writer {
        self.supervisor.shutdown().await;
        out.boolean(true)
    }

    pub(super) async fn restart<'w>(&self, out: &'w mut Writer) -> Result<&'w mut Writer, Fault> {
        self.supervisor.restart().await.map_err(cannot_reread)?;
        Ok(out.boolean(true))
    }

    /// A namespec taken apart, once it is sure that something active has that name.
    fn resolve<'n>(&self, name: &'n str) -> Result<(&'n str, Option<&'n str>), Fault> {
        let spec = Namespec::parse(name);
        let known = match spec.process {
            Some(process) => self.supervisor.table().row(spec.group, process).is_some(),
            None => self.supervisor.table().group(spec.group).is_some(),
        };
        if known {
            Ok((spec.group, spec.process))
        } else {
            Err(FaultKind::BadName.about(name))
        }
    }
}

/// How a command ended for one process: its group, its name, and the fault if it failed.
pub(super) type ProcessResult = (Arc<str>, Arc<str>, Result<(), Fault>);

/// The structs that tell how a command ended for each of several processes.
pub(super) fn results<'w>(results: &[ProcessResult], out: &'w mut Writer) -> &'w mut Writer {
    out.begin_array();
    for (group, name, result) in results {
        let (status, description) = match result {
            Ok(()) => (FaultKind::Success.code(), "OK"),
            Err(Fault { code, text }) => (*code, text.as_str()),
        };
        out.begin_struct();
        out.member("name", |out| {
            out.string(name);
        });
        out.member("group", |out| {
            out.string(group);
        });
        out.member("status", |out| {
            out.int(status.into());
        });
        out.member("description", |out| {
            out.string(description);
        });
        out.end_struct();
    }
    out.end_array()
}

fn each<E>(
    outcomes: Vec<Outcome<E>>,
    fault: fn(E, &str) -> Fault,
    out: &mut Writer,
) -> &mut Writer {
    let told: Vec<_> = outcomes
        .into_iter()
        .map(
            |Outcome {
                 group,
                 name,
                 result,
                 ..
             }| {
                let result = result.map_err(|why| {
                    let shown = DisplayName {
                        group: &group,
                        process: &name,
                    };
                    fault(why, &shown.to_string())
                });
                (group, name, result)
            },
        )
        .collect();
    results(&told, out)
}

/// What the original answers when a signal is unknown and several processes should get it: the
/// same fault for each that could have got one.
fn bad_signal_for_each<'w>(
    groups: &[Arc<crate::actors::table::GroupRows>],
    fault: &Fault,
    out: &'w mut Writer,
) -> Result<&'w mut Writer, Fault> {
    if fault.code != FaultKind::BadSignal.code() {
        return Err(fault.clone());
    }
    let told: Vec<_> = groups
        .iter()
        .flat_map(|group| &group.rows)
        .filter(|row| row.read().state.is_signallable())
        .map(|row| {
            let names = (Arc::clone(&row.group), Arc::clone(&row.name));
            (names.0, names.1, Err(fault.clone()))
        })
        .collect();
    Ok(results(&told, out))
}

fn signal_of(value: Value) -> Result<Signal, Fault> {
    let shown = match value {
        Value::String(_) | Value::Base64(_) => text(value).ok_or_else(incorrect)?,
        Value::Int(_) | Value::Bool(_) | Value::Double(_) => {
            number(value).ok_or_else(incorrect)?.to_string()
        }
        Value::DateTime(_) | Value::Array(_) | Value::Struct(_) | Value::Nil => {
            return Err(incorrect());
        }
    };
    Signal::parse(&shown).ok_or_else(|| FaultKind::BadSignal.about(shown))
}

fn start_fault(why: StartError, name: &str) -> Fault {
    match why {
        StartError::Unknown => FaultKind::BadName.about(name),
        StartError::NoFile(why) => FaultKind::NoFile.about(why),
        StartError::NotExecutable(why) => FaultKind::NotExecutable.about(why),
        StartError::AlreadyStarted => FaultKind::AlreadyStarted.about(name),
        StartError::UnknownState => {
            FaultKind::Failed.about(format_args!("{name} is in an unknown process state"))
        }
        StartError::SpawnError => FaultKind::SpawnError.about(name),
        StartError::AbnormalTermination => FaultKind::AbnormalTermination.about(name),
        StartError::ShuttingDown => FaultKind::ShutdownState.plain(),
    }
}

fn stop_fault(why: StopError, name: &str) -> Fault {
    match why {
        StopError::Unknown => FaultKind::BadName.about(name),
        StopError::NotRunning => FaultKind::NotRunning.about(name),
        StopError::Failed(why) => FaultKind::Failed.about(why),
    }
}

fn signal_fault(why: SignalError, name: &str) -> Fault {
    match why {
        SignalError::Unknown => FaultKind::BadName.about(name),
        SignalError::NotRunning => FaultKind::NotRunning.about(name),
        SignalError::Failed(why) => FaultKind::Failed.about(why),
    }
}

fn cannot_reread(CannotReread(why): CannotReread) -> Fault {
    FaultKind::CantReread.about(why)
}
