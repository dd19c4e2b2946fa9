//! The server's side: a call in, the XML of its answer out.
//!
//! A method is looked up in the one table, the number of its arguments is checked, then what the
//! daemon is about, then each argument as it is needed: the original's order of checks. Answers
//! are written straight into one buffer, and only once nothing can go wrong any more.

use super::args::{Args, incorrect};
use super::faults::FaultKind;
use super::roll::Answer;
use super::table::{Action, METHODS, Method};
use super::turns::Turns;
use super::xml::{Call, Fault, Value, Writer, fault};
use crate::actors::Supervisor;
use crate::model::state::Mood;
use crate::model::time::LocalTime;
use slog::{Logger, trace};
use std::cell::Cell;
use std::rc::Rc;

/// Calls in one `system.multicall`. `supervisorctl` makes one for each program at most, and a
/// thousand programs are many.
const MAX_CALLS: usize = 5000;

/// Bytes of an answer after which a `system.multicall` makes no further calls: thousands of small
/// calls must not become gigabytes. One whole log still fits.
const MAX_ANSWER: usize = 64 << 20;

/// Bytes of all answers that are being written to multicalls or wait for their clients to take
/// them, after which none that may be big is begun: the bound above must not be had many times
/// over, nor by clients who ask and never read. Small answers are bounded by the number of those
/// who ask, and always given.
const MAX_WAITING: usize = 128 << 20;

/// What the world may ask of one daemon. Knows nothing of connections: whoever has a call may
/// hand it in.
pub struct Api {
    pub(super) supervisor: Supervisor,
    pub(super) clock: fn(i64) -> LocalTime,
    pub(super) log_reads: Turns,
    /// Bytes of answers to multicalls that are being written.
    unfinished: Cell<usize>,
    /// Bytes of answers that wait for their clients.
    unread: Rc<Cell<usize>>,
    has_supervisor: bool,
    log: Logger,
}

impl Api {
    /// An api whose `clock` turns seconds of Unix time into the machine's own time. Without
    /// `[rpcinterface:supervisor]` in the config that holds now, `supervisor.*` stays unknown.
    pub fn new(supervisor: Supervisor, clock: fn(i64) -> LocalTime, log: Logger) -> Self {
        let has_supervisor = supervisor.table().config().supervisor_rpc;
        Self {
            supervisor,
            clock,
            log_reads: Turns::new(),
            unfinished: Cell::new(0),
            unread: Rc::default(),
            has_supervisor,
            log,
        }
    }

    /// The daemon that is asked.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// How many bytes of answers wait for their clients; kept up to date by whoever sends them.
    pub fn unread(&self) -> &Rc<Cell<usize>> {
        &self.unread
    }

    /// Whether so much waits to be sent that no big answer is to be begun.
    pub(super) fn is_full(&self) -> bool {
        self.unfinished.get() + self.unread.get() > MAX_WAITING
    }

    /// Carries a call out and answers the whole XML document. With `wait`, that may take as long
    /// as the programs do. Whoever may go away meanwhile lets it run in a task of its own: what
    /// a multicall has not begun is lost with this future.
    pub async fn answer(&self, call: Call) -> Answer {
        trace!(self.log, "XML-RPC method called: {}()", call.method);
        match self.try_answer(&call.method, call.params).await {
            Ok(answer) => {
                trace!(
                    self.log,
                    "XML-RPC method {}() returned successfully", call.method
                );
                answer
            }
            Err(Fault { code, text }) => {
                trace!(
                    self.log,
                    "XML-RPC method {}() returned fault: [{}] {}", call.method, code, text
                );
                fault(code, &text).into()
            }
        }
    }

    async fn try_answer(&self, method: &str, params: Vec<Value>) -> Result<Answer, Fault> {
        let method = self.find(method, params.len())?;
        if method.action == Action::GetAllProcessInfo {
            self.check_mood(method)?;
            return Ok(Answer::of(self.roll_of_all()));
        }
        let mut out = Writer::response();
        if method.action == Action::Multicall {
            self.multicall(params, &mut out).await?;
        } else {
            self.run(method, Args::new(params), &mut out).await?;
        }
        Ok(out.finish().into())
    }

    /// Carries out a call for the daemon's own pages, which only ask whether it went well.
    pub async fn perform(&self, method: &str, params: Vec<Value>) -> Result<(), Fault> {
        let method = self.find(method, params.len())?;
        self.run(method, Args::new(params), &mut Writer::response())
            .await
    }

    /// What time it is here, for people.
    pub fn time(&self) -> String {
        (self.clock)(super::info::now()).full()
    }

    /// The method of a name, if it is known and takes this many arguments.
    fn find(&self, name: &str, arguments: usize) -> Result<&'static Method, Fault> {
        let method = Method::find(name)
            .filter(|method| self.serves(method))
            .ok_or_else(|| FaultKind::UnknownMethod.plain())?;
        if method.takes(arguments) {
            Ok(method)
        } else {
            Err(incorrect())
        }
    }

    fn serves(&self, method: &Method) -> bool {
        self.has_supervisor || !method.is_supervisors()
    }

    /// A daemon that is about to go takes no more questions, but remote events still pass.
    fn check_mood(&self, method: &Method) -> Result<(), Fault> {
        let exempt = !method.is_supervisors() || method.action == Action::SendRemoteCommEvent;
        match self.supervisor.table().mood() {
            Mood::Running => Ok(()),
            Mood::Restarting | Mood::Shutdown if exempt => Ok(()),
            Mood::Restarting | Mood::Shutdown => Err(FaultKind::ShutdownState.plain()),
        }
    }

    /// One call that is not a multicall. Writes nothing where it answers a fault.
    async fn run(&self, method: &Method, mut args: Args, out: &mut Writer) -> Result<(), Fault> {
        self.check_mood(method)?;
        let args = &mut args;
        match method.action {
            Action::GetApiVersion => out.string(crate::API_VERSION),
            Action::GetSupervisorVersion => out.string(crate::VERSION),
            Action::GetIdentification => {
                out.string(&self.supervisor.table().config().daemon.identifier)
            }
            Action::GetState => self.get_state(out),
            Action::GetPid => out.int(i64::from(std::process::id())),
            Action::GetProcessInfo => self.get_process_info(args, out)?,
            Action::GetAllProcessInfo => self.get_all_process_info(out),
            Action::GetAllProcessDetails => self.get_all_process_details(out),
            Action::GetAllConfigInfo => self.get_all_config_info(out),
            Action::ReadLog => self.read_log(args, out).await?,
            Action::ReadProcessStdoutLog => self.read_stdout(args, out).await?,
            Action::ReadProcessStderrLog => self.read_stderr(args, out).await?,
            Action::TailProcessStdoutLog => self.tail_stdout(args, out).await?,
            Action::TailProcessStderrLog => self.tail_stderr(args, out).await?,
            Action::ClearLog => self.clear_log(out).await?,
            Action::ClearProcessLogs => self.clear_process_logs(args, out).await?,
            Action::ClearAllProcessLogs => self.clear_all_process_logs(out).await,
            Action::StartProcess => self.start_process(args, out).await?,
            Action::StartProcessGroup => self.start_group(args, out).await?,
            Action::StartAllProcesses => self.start_all(args, out).await,
            Action::StopProcess => self.stop_process(args, out).await?,
            Action::StopProcessGroup => self.stop_group(args, out).await?,
            Action::StopAllProcesses => self.stop_all(args, out).await,
            Action::SignalProcess => self.signal_process(args, out).await?,
            Action::SignalProcessGroup => self.signal_group(args, out).await?,
            Action::SignalAllProcesses => self.signal_all(args, out).await?,
            Action::SendProcessStdin => self.send_stdin(args, out).await?,
            Action::SendRemoteCommEvent => self.send_remote_event(args, out).await?,
            Action::ReloadConfig => self.reload_config(out).await?,
            Action::AddProcessGroup => self.add_group(args, out).await?,
            Action::RemoveProcessGroup => self.remove_group(args, out).await?,
            Action::Shutdown => self.shutdown(out).await,
            Action::Restart => self.restart(out).await?,
            Action::ListMethods => self.list_methods(out),
            Action::MethodHelp => out.string(&self.describe(args)?.help()),
            Action::MethodSignature => signature(self.describe(args)?, out),
            Action::Multicall => {
                return Err(
                    FaultKind::IncorrectParameters.about("Recursive system.multicall forbidden")
                );
            }
        };
        Ok(())
    }

    async fn multicall(&self, params: Vec<Value>, out: &mut Writer) -> Result<(), Fault> {
        let Some(Value::Array(calls)) = params.into_iter().next() else {
            return Err(incorrect());
        };
        if calls.len() > MAX_CALLS {
            return Err(FaultKind::IncorrectParameters.about(format_args!(
                "a multicall may hold at most {MAX_CALLS} calls"
            )));
        }
        if calls.iter().any(|call| !matches!(call, Value::Struct(_))) {
            return Err(incorrect());
        }
        out.begin_array();
        let mut share = Share {
            total: &self.unfinished,
            bytes: 0,
        };
        for call in calls {
            if let Err(Fault { code, text }) = self.one_of_many(call, out).await {
                out.fault_struct(code, &text);
            }
            share.grow_to(out.len());
            // Thousands of calls that need no waiting would hold up all other clients.
            tokio::task::yield_now().await;
        }
        out.end_array();
        Ok(())
    }

    async fn one_of_many(&self, call: Value, out: &mut Writer) -> Result<(), Fault> {
        let name = match call.get("methodName") {
            None | Some(Value::Nil) => {
                return Err(FaultKind::IncorrectParameters.about("No methodName"));
            }
            Some(Value::String(name)) => name.clone(),
            Some(_) => return Err(incorrect()),
        };
        let params = match call.get("params") {
            None => Vec::new(),
            Some(Value::Array(params)) => params.clone(),
            Some(_) => return Err(incorrect()),
        };
        if out.len() > MAX_ANSWER || self.is_full() {
            return Err(FaultKind::Failed.about("the answer to this multicall is too big already"));
        }
        // Recursion is refused by its name, whatever its arguments are.
        let arguments = match name.as_str() {
            "system.multicall" => 1,
            _ => params.len(),
        };
        let method = self.find(&name, arguments)?;
        self.run(method, Args::new(params), out).await
    }

    fn get_state<'w>(&self, out: &'w mut Writer) -> &'w mut Writer {
        let mood = self.supervisor.table().mood();
        out.begin_struct();
        out.member("statecode", |out| {
            out.int(mood.code().into());
        });
        out.member("statename", |out| {
            out.string(mood.name());
        });
        out.end_struct()
    }

    fn list_methods<'w>(&self, out: &'w mut Writer) -> &'w mut Writer {
        out.begin_array();
        for method in METHODS.iter().filter(|method| self.serves(method)) {
            out.string(method.name);
        }
        out.end_array()
    }

    /// The method that the one argument names.
    fn describe(&self, args: &mut Args) -> Result<&'static Method, Fault> {
        args.text()
            .ok()
            .and_then(|name| Method::find(&name))
            .filter(|method| self.serves(method))
            .ok_or_else(|| FaultKind::SignatureUnsupported.plain())
    }
}

/// What one unfinished answer adds to all of them.
struct Share<'a> {
    total: &'a Cell<usize>,
    bytes: usize,
}

impl Share<'_> {
    fn grow_to(&mut self, bytes: usize) {
        self.total.set(self.total.get() - self.bytes + bytes);
        self.bytes = bytes;
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.grow_to(0);
    }
}

fn signature<'w>(method: &Method, out: &'w mut Writer) -> &'w mut Writer {
    out.begin_array();
    out.string(method.returns);
    for param in method.params {
        out.string(param.kind);
    }
    out.end_array()
}
