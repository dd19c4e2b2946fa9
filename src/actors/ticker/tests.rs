use super::*;
use crate::actors::bus::Delivered;
use crate::model::event::{Event, EventMask, Period};
use actix::Message;
use tokio::sync::mpsc;

fn log() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

/// Hands on what is delivered.
struct Pool(mpsc::UnboundedSender<Event>);

impl Actor for Pool {
    type Context = Context<Self>;
}

impl Handler<Delivered> for Pool {
    type Result = ();

    fn handle(&mut self, Delivered { event, .. }: Delivered, _: &mut Context<Self>) {
        // The test may be over.
        let _ = self.0.send(event.event().clone());
    }
}

#[derive(Message)]
#[rtype(result = "Option<i64>")]
struct NextBoundary;

impl Handler<NextBoundary> for Ticker {
    type Result = Option<i64>;

    fn handle(&mut self, _: NextBoundary, _: &mut Context<Self>) -> Option<i64> {
        self.ticks.next_boundary(now_unix().0)
    }
}

#[actix::test]
async fn a_tick_comes_at_the_next_boundary_and_says_which() {
    let bus = Bus::start("box".into());
    let ticker = Ticker::start(bus.clone(), log()).expect("a descriptor for the timer");
    let (tells, mut hears) = mpsc::unbounded_channel();
    let began = now_unix().0;
    let tick_5 = EventMask::of(Period::Five.kind());
    bus.subscribe(tick_5, Pool(tells).start().recipient());
    let tick = hears.recv().await;
    let Some(Event::Tick { period, when }) = tick else {
        panic!("not a tick: {tick:?}");
    };
    assert_eq!(period, Period::Five);
    assert_eq!(when % 5, 0);
    assert!(began < when && when <= now_unix().0, "{began} {when}");
    assert!(ticker.connected());
}

#[actix::test]
async fn the_timer_is_on_only_while_ticks_are_wanted() {
    let bus = Bus::start("box".into());
    let ticker = Ticker::start(bus.clone(), log()).expect("a descriptor for the timer");
    let (tells, _hears) = mpsc::unbounded_channel();
    let pool = Pool(tells).start();
    for (name, on) in [("TICK_3600", true), ("PROCESS_STATE", false)] {
        let mask = EventMask::of_name(name).expect("a type of that name");
        bus.subscribe(mask, pool.clone().recipient());
        // By the way of the bus, so that the ticker has been told before it is asked.
        while ticker.send(NextBoundary).await.expect("it lives").is_some() != on {
            actix_rt::task::yield_now().await;
        }
        bus.unsubscribe(pool.clone().recipient());
        while ticker.send(NextBoundary).await.expect("it lives").is_some() {
            actix_rt::task::yield_now().await;
        }
    }
}
