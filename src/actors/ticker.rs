//! The ticker: publishes TICK events at the boundaries of wall time, while anybody wants them.
//!
//! It learns from the bus what is wanted. While no tick is, its timer is off and it never wakes;
//! else it wakes at the next boundary of a wanted period, and when somebody sets the clock.

use super::bus::{Bus, WantedChanged, Watch};
use crate::model::tick::Ticks;
use crate::sys::clock::now_unix;
use crate::sys::walltimer::WallTimer;
use actix::{
    Actor, ActorFutureExt as _, Addr, AsyncContext as _, Context, Handler, WrapFuture as _,
};
use std::io;
use std::rc::Rc;
use tokio::net::unix::pipe::Receiver;

/// The actor.
#[derive(Debug)]
pub struct Ticker {
    bus: Bus,
    ticks: Ticks,
    timer: WallTimer,
    /// The end of the timer to wait at. It is no pipe, and is read like one.
    watch: Rc<Receiver>,
    log: slog::Logger,
}

impl Ticker {
    /// Starts it on this arbiter. Fails if there is no descriptor left for its timer.
    pub fn start(bus: Bus, log: slog::Logger) -> io::Result<Addr<Self>> {
        let timer = WallTimer::new()?;
        let watch = Receiver::from_owned_fd_unchecked(timer.watch()?)?;
        Ok(Actor::start(Self {
            bus,
            ticks: Ticks::new(),
            timer,
            watch: Rc::new(watch),
            log,
        }))
    }

    /// Waits for the timer; then looks at the clock and waits again.
    fn wait(&self, ctx: &mut Context<Self>) {
        let watch = Rc::clone(&self.watch);
        let gone_off = async move {
            loop {
                watch.readable().await?;
                if WallTimer::went_off(watch.try_read(&mut [0; 8]))? {
                    return Ok(());
                }
            }
        };
        ctx.spawn(gone_off.into_actor(self).map(|gone_off, ticker, ctx| {
            if let Err(error) = gone_off {
                ticker.trouble(&error);
                return;
            }
            ticker.look();
            ticker.wait(ctx);
        }));
    }

    /// Publishes the ticks that are due and sets the timer for the next one.
    fn look(&mut self) {
        let (now, _) = now_unix();
        for tick in self.ticks.look(now) {
            self.bus.publish(tick.kind(), || tick);
        }
        self.arm(now);
    }

    fn arm(&self, now: i64) {
        let boundary = self.ticks.next_boundary(now);
        if let Err(error) = self.timer.set(boundary) {
            self.trouble(&error);
        }
    }

    fn trouble(&self, error: &io::Error) {
        slog::error!(self.log, "no more TICK events, their timer failed: {error}");
    }
}

impl Actor for Ticker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.wait(ctx);
        let wanted = ctx.address().recipient();
        self.bus.address().do_send(Watch(wanted));
    }
}

impl Handler<WantedChanged> for Ticker {
    type Result = ();

    fn handle(&mut self, WantedChanged(mask): WantedChanged, _: &mut Context<Self>) {
        let (now, _) = now_unix();
        self.ticks.want(mask, now);
        self.arm(now);
    }
}

#[cfg(test)]
mod tests;
