//! Staying awake for a moment: after an event was written, the main arbiter looks for the answer
//! a few times before it sleeps. [`Patience`] knows how often.
//!
//! A look is a turn of the arbiter like any other: all that is ready has its turn, then the reactor
//! is asked without waiting. So nobody has to wait for somebody who looks around. Where nothing is
//! written there is no look: an idle daemon sleeps.

use crate::model::patience::Patience;
use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;
use tokio::sync::Notify;

/// One for an arbiter. Clones are the same.
#[derive(Clone, Debug)]
pub struct Vigil(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    patience: RefCell<Patience>,
    is_kept: Cell<bool>,
    begun: Notify,
    /// How many others can run while this arbiter looks around.
    others: usize,
}

impl Vigil {
    /// To be called on the arbiter that is to stay awake.
    pub fn start() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let shared = Rc::new(Shared {
            patience: RefCell::default(),
            is_kept: Cell::new(false),
            begun: Notify::new(),
            others: processors - 1,
        });
        actix_rt::spawn(keep(Rc::clone(&shared)));
        Self(shared)
    }

    /// How many listeners can do their work while this arbiter looks around. With more than that
    /// it is better to leave them its processor.
    pub fn others(&self) -> usize {
        self.0.others
    }

    /// A listener was asked something. To be called only while no more than [`Self::others`] are
    /// at work.
    pub fn asked(&self) {
        self.0.patience.borrow_mut().asked();
        if !self.0.is_kept.replace(true) {
            self.0.begun.notify_one();
        }
    }

    /// A listener has answered.
    pub fn answered(&self) {
        self.0.patience.borrow_mut().answered();
    }
}

async fn keep(shared: Rc<Shared>) {
    loop {
        shared.begun.notified().await;
        while shared.patience.borrow_mut().look() {
            tokio::task::yield_now().await;
        }
        shared.is_kept.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many turns pass until nobody looks around any more.
    async fn turns(vigil: &Vigil) -> usize {
        for turn in 0..10_000 {
            if !vigil.0.is_kept.get() {
                return turn;
            }
            tokio::task::yield_now().await;
        }
        panic!("it does not end");
    }

    #[actix::test]
    async fn it_ends_by_itself_and_can_begin_anew() {
        let vigil = Vigil::start();
        assert_eq!(turns(&vigil).await, 0);
        for _ in 0..2 {
            // The second time round, the first of them is not waited for: it was in vain before.
            vigil.asked();
            vigil.asked();
            assert!(turns(&vigil).await > 10);
        }
    }

    #[actix::test]
    async fn it_ends_with_the_answer() {
        let vigil = Vigil::start();
        vigil.asked();
        tokio::task::yield_now().await;
        vigil.answered();
        assert!(turns(&vigil).await < 5);
    }
}
