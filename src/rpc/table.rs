//! The one table of methods. Dispatch, `system.listMethods`, `system.methodHelp` and
//! `system.methodSignature` all come from it; a name that is not in it does not exist.

use std::fmt::Write as _;

/// A method as the world sees it.
#[derive(Debug)]
pub(super) struct Method {
    /// The whole name, with its namespace.
    pub(super) name: &'static str,
    /// What it does; several names may do the same.
    pub(super) action: Action,
    /// The type of the answer.
    pub(super) returns: &'static str,
    /// The arguments, optional ones last.
    pub(super) params: &'static [Param],
    /// What it does, in words.
    help: &'static str,
}

/// An argument of a method.
#[derive(Debug)]
pub(super) struct Param {
    /// The type that a client should send.
    pub(super) kind: &'static str,
    name: &'static str,
    optional: bool,
}

/// What a method does. Each is named like the method, which the table describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    AddProcessGroup,
    ClearAllProcessLogs,
    ClearLog,
    ClearProcessLogs,
    GetAllConfigInfo,
    GetAllProcessDetails,
    GetAllProcessInfo,
    GetApiVersion,
    GetIdentification,
    GetPid,
    GetProcessInfo,
    GetState,
    GetSupervisorVersion,
    ReadLog,
    ReadProcessStderrLog,
    ReadProcessStdoutLog,
    ReloadConfig,
    RemoveProcessGroup,
    Restart,
    SendProcessStdin,
    SendRemoteCommEvent,
    Shutdown,
    SignalAllProcesses,
    SignalProcess,
    SignalProcessGroup,
    StartAllProcesses,
    StartProcess,
    StartProcessGroup,
    StopAllProcesses,
    StopProcess,
    StopProcessGroup,
    TailProcessStderrLog,
    TailProcessStdoutLog,
    ListMethods,
    MethodHelp,
    MethodSignature,
    Multicall,
}

impl Method {
    /// The method of a whole name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name == name)
    }

    /// Whether it belongs to the namespaces that `[rpcinterface:supervisor]` opens: the original's
    /// and ours beside it.
    pub(super) fn is_supervisors(&self) -> bool {
        self.name.starts_with("supervisor.") || self.name.starts_with("supervisord.")
    }

    /// Whether it may be called with this many arguments.
    pub(super) fn takes(&self, count: usize) -> bool {
        let needed = self.params.iter().filter(|param| !param.optional).count();
        (needed..=self.params.len()).contains(&count)
    }

    /// What `system.methodHelp` answers: how to call it, then what it does.
    pub(super) fn help(&self) -> String {
        let mut text = format!("{} {}(", self.returns, self.name);
        for (place, param) in self.params.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let default = if param.optional { " = true" } else { "" };
            // Writing to a `String` never fails.
            let _ = write!(text, "{comma}{} {}{default}", param.kind, param.name);
        }
        text.push_str(")\n\n");
        text.push_str(self.help);
        text
    }
}

const fn param(kind: &'static str, name: &'static str) -> Param {
    Param {
        kind,
        name,
        optional: false,
    }
}

const NAME: Param = param("string", "name");
const OFFSET: Param = param("int", "offset");
const LENGTH: Param = param("int", "length");
const SIGNAL: Param = param("string", "signal");
const WAIT: Param = Param {
    kind: "boolean",
    name: "wait",
    optional: true,
};

const READ_HELP: &str = "Reads a log: `length` bytes from `offset` on, or all from there on where \
    `length` is 0. A negative `offset` with a `length` of 0 reads that many bytes from the end. \
    One answer holds at most 64 MiB; what is longer is read in pieces. Bytes that are not UTF-8, \
    and characters that XML cannot carry, come as U+FFFD.";
const TAIL_HELP: &str = "Follows the log of a process. Answers [text, offset, overflow]: at most \
    `length` bytes from the end of the log, the offset to ask with next time, and whether there \
    was more after `offset` than was asked for.";
const CLEAR_HELP: &str = "Removes both logs of a process and begins them anew.";
const VERSION_HELP: &str = "Answers the version of this interface.";

/// All methods, sorted by name.
pub(super) static METHODS: [Method; 42] = [
    Method {
        name: "supervisor.addProcessGroup",
        action: Action::AddProcessGroup,
        returns: "boolean",
        params: &[NAME],
        help: "Makes a group of the config that was read last active and starts those of its \
            processes that start by themselves.",
    },
    Method {
        name: "supervisor.clearAllProcessLogs",
        action: Action::ClearAllProcessLogs,
        returns: "array",
        params: &[],
        help: "Clears the logs of all processes. Answers a struct for each: name, group, status \
            and description; a status of 80 is success.",
    },
    Method {
        name: "supervisor.clearLog",
        action: Action::ClearLog,
        returns: "boolean",
        params: &[],
        help: "Removes the main log and begins it anew.",
    },
    Method {
        name: "supervisor.clearProcessLog",
        action: Action::ClearProcessLogs,
        returns: "boolean",
        params: &[NAME],
        help: CLEAR_HELP,
    },
    Method {
        name: "supervisor.clearProcessLogs",
        action: Action::ClearProcessLogs,
        returns: "boolean",
        params: &[NAME],
        help: CLEAR_HELP,
    },
    Method {
        name: "supervisor.getAPIVersion",
        action: Action::GetApiVersion,
        returns: "string",
        params: &[],
        help: VERSION_HELP,
    },
    Method {
        name: "supervisor.getAllConfigInfo",
        action: Action::GetAllConfigInfo,
        returns: "array",
        params: &[],
        help: "Answers what the config that was read last says of each process, sorted by name. \
            What is not set is 'none'; a log that is yet to be named is 'auto'.",
    },
    Method {
        name: "supervisor.getAllProcessInfo",
        action: Action::GetAllProcessInfo,
        returns: "array",
        params: &[],
        help: "Answers for every process what supervisor.getProcessInfo answers for one, sorted \
            by group and name.",
    },
    Method {
        name: "supervisor.getIdentification",
        action: Action::GetIdentification,
        returns: "string",
        params: &[],
        help: "Answers the name of this daemon among others, the `identifier` of its config.",
    },
    Method {
        name: "supervisor.getPID",
        action: Action::GetPid,
        returns: "int",
        params: &[],
        help: "Answers the pid of the daemon.",
    },
    Method {
        name: "supervisor.getProcessInfo",
        action: Action::GetProcessInfo,
        returns: "struct",
        params: &[NAME],
        help: "Answers what is true of a process now: name, group, start, stop, now (seconds of \
            Unix time), state, statename, spawnerr, exitstatus, logfile, stdout_logfile, \
            stderr_logfile, pid and description.",
    },
    Method {
        name: "supervisor.getState",
        action: Action::GetState,
        returns: "struct",
        params: &[],
        help: "Answers what the daemon is about, as statecode and statename.",
    },
    Method {
        name: "supervisor.getSupervisorVersion",
        action: Action::GetSupervisorVersion,
        returns: "string",
        params: &[],
        help: "Answers the version of Supervisor that this daemon stands in for, then its own.",
    },
    Method {
        name: "supervisor.getVersion",
        action: Action::GetApiVersion,
        returns: "string",
        params: &[],
        help: VERSION_HELP,
    },
    Method {
        name: "supervisor.readLog",
        action: Action::ReadLog,
        returns: "string",
        params: &[OFFSET, LENGTH],
        help: READ_HELP,
    },
    Method {
        name: "supervisor.readMainLog",
        action: Action::ReadLog,
        returns: "string",
        params: &[OFFSET, LENGTH],
        help: READ_HELP,
    },
    Method {
        name: "supervisor.readProcessLog",
        action: Action::ReadProcessStdoutLog,
        returns: "string",
        params: &[NAME, OFFSET, LENGTH],
        help: READ_HELP,
    },
    Method {
        name: "supervisor.readProcessStderrLog",
        action: Action::ReadProcessStderrLog,
        returns: "string",
        params: &[NAME, OFFSET, LENGTH],
        help: READ_HELP,
    },
    Method {
        name: "supervisor.readProcessStdoutLog",
        action: Action::ReadProcessStdoutLog,
        returns: "string",
        params: &[NAME, OFFSET, LENGTH],
        help: READ_HELP,
    },
    Method {
        name: "supervisor.reloadConfig",
        action: Action::ReloadConfig,
        returns: "array",
        params: &[],
        help: "Reads the config again and answers which groups differ from the active ones: \
            [[added, changed, removed]], each an array of names. Changes nothing that runs.",
    },
    Method {
        name: "supervisor.removeProcessGroup",
        action: Action::RemoveProcessGroup,
        returns: "boolean",
        params: &[NAME],
        help: "Removes a group whose processes are all stopped.",
    },
    Method {
        name: "supervisor.restart",
        action: Action::Restart,
        returns: "boolean",
        params: &[],
        help: "Begins to stop all processes, to read the config and to start again. A config that \
            cannot be read is a fault, and everything stays as it is.",
    },
    Method {
        name: "supervisor.sendProcessStdin",
        action: Action::SendProcessStdin,
        returns: "boolean",
        params: &[NAME, param("string", "chars")],
        help: "Writes text, as UTF-8, to the standard input of a process; base64 writes any bytes.",
    },
    Method {
        name: "supervisor.sendRemoteCommEvent",
        action: Action::SendRemoteCommEvent,
        returns: "boolean",
        params: &[param("string", "type"), param("string", "data")],
        help: "Publishes a REMOTE_COMMUNICATION event to the event listeners that want it.",
    },
    Method {
        name: "supervisor.shutdown",
        action: Action::Shutdown,
        returns: "boolean",
        params: &[],
        help: "Begins to stop all processes and to leave.",
    },
    Method {
        name: "supervisor.signalAllProcesses",
        action: Action::SignalAllProcesses,
        returns: "array",
        params: &[SIGNAL],
        help: "Sends a signal, by name or number, to every process that runs. Answers a struct \
            for each: name, group, status and description; a status of 80 is success.",
    },
    Method {
        name: "supervisor.signalProcess",
        action: Action::SignalProcess,
        returns: "boolean",
        params: &[NAME, SIGNAL],
        help: "Sends a signal, by name or number, to a process; for `group:*`, does what \
            supervisor.signalProcessGroup does.",
    },
    Method {
        name: "supervisor.signalProcessGroup",
        action: Action::SignalProcessGroup,
        returns: "array",
        params: &[NAME, SIGNAL],
        help: "Sends a signal, by name or number, to every process of a group that runs. Answers \
            a struct for each: name, group, status and description; a status of 80 is success.",
    },
    Method {
        name: "supervisor.startAllProcesses",
        action: Action::StartAllProcesses,
        returns: "array",
        params: &[WAIT],
        help: "Starts every process that does not run and waits as supervisor.startProcess does. Answers a struct \
            for each: name, group, status and description; a status of 80 is success.",
    },
    Method {
        name: "supervisor.startProcess",
        action: Action::StartProcess,
        returns: "boolean",
        params: &[NAME, WAIT],
        help: "Starts a process and answers when it is RUNNING, or as soon as it was spawned if \
            `wait` is false; for `group:*`, does what supervisor.startProcessGroup does.",
    },
    Method {
        name: "supervisor.startProcessGroup",
        action: Action::StartProcessGroup,
        returns: "array",
        params: &[NAME, WAIT],
        help: "Starts every process of a group that does not run and waits as \
            supervisor.startProcess does. Answers a struct \
            for each: name, group, status and description; a status of 80 is success.",
    },
    Method {
        name: "supervisor.stopAllProcesses",
        action: Action::StopAllProcesses,
        returns: "array",
        params: &[WAIT],
        help: "Stops every process that runs and waits as supervisor.stopProcess does. Answers a struct \
            for each: name, group, status and description; a status of 80 is success.",
    },
    Method {
        name: "supervisor.stopProcess",
        action: Action::StopProcess,
        returns: "boolean",
        params: &[NAME, WAIT],
        help: "Stops a process and answers when it is gone, or as soon as it was asked to go if \
            `wait` is false; for `group:*`, does what supervisor.stopProcessGroup does.",
    },
    Method {
        name: "supervisor.stopProcessGroup",
        action: Action::StopProcessGroup,
        returns: "array",
        params: &[NAME, WAIT],
        help: "Stops every process of a group that runs and waits as supervisor.stopProcess \
            does. Answers a struct \
            for each: name, group, status and description; a status of 80 is success.",
    },
    Method {
        name: "supervisor.tailProcessLog",
        action: Action::TailProcessStdoutLog,
        returns: "array",
        params: &[NAME, OFFSET, LENGTH],
        help: TAIL_HELP,
    },
    Method {
        name: "supervisor.tailProcessStderrLog",
        action: Action::TailProcessStderrLog,
        returns: "array",
        params: &[NAME, OFFSET, LENGTH],
        help: TAIL_HELP,
    },
    Method {
        name: "supervisor.tailProcessStdoutLog",
        action: Action::TailProcessStdoutLog,
        returns: "array",
        params: &[NAME, OFFSET, LENGTH],
        help: TAIL_HELP,
    },
    Method {
        name: "supervisord.getAllProcessDetails",
        action: Action::GetAllProcessDetails,
        returns: "array",
        params: &[],
        help: "Not in the original. Answers a struct for every process, sorted by group and name: \
            name, group, statename; exit_code, or exit_signal and core_dumped, of its last child; \
            step, errno and reason of a start that failed before the program ran; tries that \
            failed in a row, startretries; next_try (seconds of Unix time) and next_try_in \
            (seconds) in BACKOFF; listener, the state of an event listener. What does not apply \
            is left out.",
    },
    Method {
        name: "system.listMethods",
        action: Action::ListMethods,
        returns: "array",
        params: &[],
        help: "Answers the names of all methods.",
    },
    Method {
        name: "system.methodHelp",
        action: Action::MethodHelp,
        returns: "string",
        params: &[NAME],
        help: "Answers how a method is called and what it does.",
    },
    Method {
        name: "system.methodSignature",
        action: Action::MethodSignature,
        returns: "array",
        params: &[NAME],
        help: "Answers the type of a method's answer, then the types of its arguments.",
    },
    Method {
        name: "system.multicall",
        action: Action::Multicall,
        returns: "array",
        params: &[param("array", "calls")],
        help: "Makes several calls, one after the other. Each is a struct of methodName and \
            params; for each, the answer holds its result, or a struct of faultCode and \
            faultString.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_stand_in_the_order_in_which_they_are_listed() {
        assert!(METHODS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn optional_arguments_stand_last() {
        for method in &METHODS {
            assert!(
                method.params.is_sorted_by_key(|param| param.optional),
                "{}",
                method.name
            );
        }
    }

    #[test]
    fn a_method_is_found_by_its_exact_name_only() {
        assert!(Method::find("supervisor.getState").is_some());
        for name in [
            "",
            ".",
            "getState",
            "supervisor.",
            "supervisor.getstate",
            "supervisor.getState ",
            "supervisor.getState.im_func",
            "supervisor._update",
            "supervisor.supervisord.options",
            "system.namespaces",
        ] {
            assert!(Method::find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn the_number_of_arguments_is_checked_from_both_sides() {
        let check = |name, count, fits| {
            let method = Method::find(name).expect("the name stands in the table");
            assert_eq!(method.takes(count), fits, "{name} {count}");
        };
        check("supervisor.getState", 0, true);
        check("supervisor.getState", 1, false);
        check("supervisor.startProcess", 0, false);
        check("supervisor.startProcess", 1, true);
        check("supervisor.startProcess", 2, true);
        check("supervisor.startProcess", 3, false);
    }

    #[test]
    fn help_begins_with_how_to_call_the_method() {
        let method = Method::find("supervisor.startProcess").expect("the name stands in the table");
        assert!(
            method.help().starts_with(
                "boolean supervisor.startProcess(string name, boolean wait = true)\n\n"
            )
        );
        for method in &METHODS {
            assert!(method.help.ends_with('.'), "{}", method.name);
        }
    }
}
