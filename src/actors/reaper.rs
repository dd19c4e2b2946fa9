//! The Reaper: buries children as they end and tells whoever owns them.
//!
//! As process 1, or as a subreaper, it buries orphans just the same; they have no owner.

use super::watch::watch;
use crate::model::exit::Exit;
use crate::sys::reap::{Owner, Register};
use crate::sys::signals::{deaths, take_death};
use actix::{Actor, AsyncContext, Context, Handler, Message, Recipient};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use tokio::io::Interest;

/// The actor; see the module.
pub struct Reaper {
    register: Arc<Register>,
    owners: HashMap<Owner, Recipient<Ended>>,
    log: slog::Logger,
}

/// A child of the receiver ended and is buried; its pid may be a stranger's from now on.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Ended {
    /// The child.
    pub pid: i32,
    /// How.
    pub exit: Exit,
}

/// Asks to hear of the ends of an owner's children. Answered at once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Own {
    /// Whose.
    pub owner: Owner,
    /// Who hears.
    pub recipient: Recipient<Ended>,
}

/// Ends that. Answered at once.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Disown(pub Owner);

/// Children may have ended.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
struct Look {
    /// The kernel says so.
    is_told: bool,
}

impl Reaper {
    /// A reaper of the children in this register.
    pub fn new(register: Arc<Register>, log: slog::Logger) -> Self {
        Self {
            register,
            owners: HashMap::new(),
            log,
        }
    }

    fn bury_all(&self) {
        while let Some(death) = self.register.bury() {
            let (pid, exit) = (death.pid, death.exit);
            match death.owner.and_then(|owner| self.owners.get(&owner)) {
                Some(owner) => owner.do_send(Ended { pid, exit }),
                None => slog::info!(self.log, "reaped unknown pid {} ({})", pid, exit),
            }
        }
    }

    /// Looks whenever the kernel says so, and once now: children may have been ours before.
    fn watch(ctx: &mut Context<Self>) -> io::Result<()> {
        let deaths = watch(deaths()?, Interest::READABLE).map_err(|(_, error)| error)?;
        let own = ctx.address();
        own.do_send(Look { is_told: false });
        actix_rt::spawn(async move {
            while let Ok(mut ready) = deaths.readable().await {
                match take_death(deaths.get_ref()) {
                    Ok(true) => own.do_send(Look { is_told: true }),
                    // Nothing more for now, or nothing that can be read, which comes to the same.
                    Ok(false) | Err(_) => ready.clear_ready(),
                }
            }
        });
        Ok(())
    }
}

impl Actor for Reaper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Err(error) = Self::watch(ctx) {
            slog::crit!(
                self.log,
                "cannot hear of children that end, so none is restarted: {}",
                error
            );
        }
    }
}

impl Handler<Look> for Reaper {
    type Result = ();

    fn handle(&mut self, Look { is_told }: Look, _: &mut Context<Self>) {
        self.bury_all();
        if is_told {
            slog::debug!(self.log, "received SIGCHLD indicating a child quit");
        }
    }
}

impl Handler<Own> for Reaper {
    type Result = ();

    fn handle(&mut self, Own { owner, recipient }: Own, _: &mut Context<Self>) {
        self.owners.insert(owner, recipient);
    }
}

impl Handler<Disown> for Reaper {
    type Result = ();

    fn handle(&mut self, Disown(owner): Disown, _: &mut Context<Self>) {
        self.owners.remove(&owner);
    }
}
