//! What is known of the processes beyond what the original tells: why a start failed, how a child
//! ended, when the next try comes. A namespace of its own, so that no answer that clients of the
//! original read is changed by it.

use super::api::Api;
use super::info::{int, long, now, saturated, text};
use super::xml::Writer;
use crate::actors::table::{Cause, Row};
use crate::model::exit::Exit;
use std::time::Instant;

impl Api {
    /// A struct for each process. What does not apply is left out: XML-RPC has no word for it.
    pub(super) fn get_all_process_details<'w>(&self, out: &'w mut Writer) -> &'w mut Writer {
        out.begin_array();
        for row in &self.supervisor.table().all().rows {
            details(row, out);
        }
        out.end_array()
    }
}

fn details(row: &Row, out: &mut Writer) {
    let live = row.read();
    out.begin_struct();
    text(out, "name", &row.name);
    text(out, "group", &row.group);
    text(out, "statename", live.state.name());
    match live.last_exit {
        Some(Exit::Code(code)) => int(out, "exit_code", code.into()),
        Some(Exit::Signal { signal, core }) => {
            text(out, "exit_signal", &signal.to_string());
            out.member("core_dumped", |out| {
                out.boolean(core);
            });
        }
        None => {}
    }
    if let Some(cause) = &live.cause {
        let Cause {
            step,
            errno,
            reason,
        } = &**cause;
        text(out, "step", step);
        if let Some(errno) = errno {
            text(out, "errno", errno);
        }
        text(out, "reason", reason);
    }
    long(out, "tries", live.tries.into());
    long(out, "startretries", live.retries);
    if let Some(next) = live.next_try {
        let wait = next.saturating_duration_since(Instant::now());
        let wait = saturated(wait.as_secs()).saturating_add((wait.subsec_nanos() > 0).into());
        // The clocks of both ends need not agree, so both are told.
        long(out, "next_try", now().saturating_add(wait));
        long(out, "next_try_in", wait);
    }
    if let Some(listener) = live.listener {
        text(out, "listener", listener.name());
    }
    out.end_struct();
}
