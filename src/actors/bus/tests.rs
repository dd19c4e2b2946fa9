use super::*;
use actix::{AsyncContext as _, MessageResult};
use std::time::Duration;

/// A pool that writes down what is delivered to it, and may hold on to the turns.
struct Pool {
    delivered: Vec<(u64, EventKind)>,
    hold: bool,
    turns: Vec<Turn>,
}

impl Pool {
    fn start(hold: bool) -> Addr<Self> {
        Actor::start(Self {
            delivered: Vec::new(),
            hold,
            turns: Vec::new(),
        })
    }
}

impl Actor for Pool {
    type Context = Context<Self>;
}

impl Handler<Delivered> for Pool {
    type Result = ();

    fn handle(&mut self, Delivered { event, turn }: Delivered, _: &mut Context<Self>) {
        self.delivered.push((event.serial(), event.kind()));
        if self.hold {
            self.turns.push(turn);
        }
    }
}

#[derive(Message)]
#[rtype(result = "Vec<(u64, EventKind)>")]
struct Show;

impl Handler<Show> for Pool {
    type Result = MessageResult<Show>;

    fn handle(&mut self, _: Show, _: &mut Context<Self>) -> MessageResult<Show> {
        MessageResult(self.delivered.clone())
    }
}

/// Lets the turns go that are held.
#[derive(Message)]
#[rtype(result = "()")]
struct Release;

impl Handler<Release> for Pool {
    type Result = ();

    fn handle(&mut self, _: Release, _: &mut Context<Self>) {
        self.turns.clear();
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct End;

impl Handler<End> for Pool {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Context<Self>) {
        actix::ActorContext::stop(ctx);
    }
}

fn bus() -> Bus {
    Bus::start("box".into())
}

fn mask(name: &str) -> EventMask {
    EventMask::of_name(name).expect("tests name types that exist")
}

fn added(bus: &Bus) {
    bus.publish(EventKind::ProcessGroupAdded, || {
        Event::ProcessGroupAdded("cats".into())
    });
}

fn removed(bus: &Bus) {
    bus.publish(EventKind::ProcessGroupRemoved, || {
        Event::ProcessGroupRemoved("cats".into())
    });
}

async fn serials(pool: &Addr<Pool>) -> Vec<u64> {
    let delivered = pool.send(Show).await.expect("the pool lives");
    delivered.into_iter().map(|(serial, _)| serial).collect()
}

/// Waits until the bus has done all that was asked of it before.
async fn settle(bus: &Bus) {
    let wait = bus.address().send(Publish(Event::SupervisorRunning)).await;
    wait.expect("the bus lives");
}

#[actix::test]
async fn a_pool_hears_what_it_subscribed_to_in_order() {
    let (bus, groups, all) = (bus(), Pool::start(false), Pool::start(false));
    bus.subscribe(mask("PROCESS_GROUP_REMOVED"), groups.clone().recipient());
    bus.subscribe(mask("EVENT"), all.clone().recipient());
    added(&bus);
    removed(&bus);
    added(&bus);
    removed(&bus);
    settle(&bus).await;
    assert_eq!(serials(&groups).await, [1, 3]);
    assert_eq!(serials(&all).await, [0, 1, 2, 3, 4]);
}

#[actix::test]
async fn what_nobody_wants_takes_no_serial_and_is_not_built() {
    let (bus, pool) = (bus(), Pool::start(false));
    bus.publish(EventKind::SupervisorStateChangeRunning, || {
        unreachable!("nobody wants it")
    });
    bus.subscribe(mask("PROCESS_GROUP_ADDED"), pool.clone().recipient());
    added(&bus);
    removed(&bus);
    settle(&bus).await;
    added(&bus);
    settle(&bus).await;
    assert_eq!(serials(&pool).await, [0, 1]);
}

#[actix::test]
async fn what_is_published_right_after_a_subscription_is_heard() {
    let (bus, pool) = (bus(), Pool::start(false));
    assert!(!bus.wants(EventKind::ProcessGroupAdded));
    bus.subscribe(mask("PROCESS_GROUP"), pool.clone().recipient());
    assert!(bus.wants(EventKind::ProcessGroupAdded));
    assert!(!bus.wants(EventKind::Tick5));
    added(&bus);
    settle(&bus).await;
    assert_eq!(serials(&pool).await, [0]);
}

#[actix::test]
async fn one_subscription_less_leaves_the_others() {
    let (bus, first, second) = (bus(), Pool::start(false), Pool::start(false));
    bus.subscribe(mask("PROCESS_GROUP"), first.clone().recipient());
    bus.subscribe(mask("PROCESS_GROUP_ADDED"), second.clone().recipient());
    bus.unsubscribe(first.clone().recipient());
    settle(&bus).await;
    assert!(bus.wants(EventKind::ProcessGroupAdded));
    assert!(!bus.wants(EventKind::ProcessGroupRemoved));
    added(&bus);
    settle(&bus).await;
    assert_eq!(serials(&first).await, [0_u64; 0]);
    assert_eq!(serials(&second).await, [0]);
    bus.unsubscribe(second.recipient());
    settle(&bus).await;
    assert_eq!(bus.wanted().mask(), EventMask::NONE);
}

#[actix::test]
async fn a_publisher_is_answered_once_every_pool_has_the_event() {
    let (bus, quick, slow) = (bus(), Pool::start(false), Pool::start(true));
    for pool in [&quick, &slow] {
        bus.subscribe(mask("EVENT"), pool.clone().recipient());
    }
    let publish = bus.publish_paced(EventKind::SupervisorStateChangeRunning, || {
        Event::SupervisorRunning
    });
    let mut publish = std::pin::pin!(publish);
    let early = actix_rt::time::timeout(Duration::from_millis(50), &mut publish).await;
    assert!(early.is_err(), "a pool still holds the turn");
    slow.do_send(Release);
    let answer = actix_rt::time::timeout(Duration::from_secs(30), publish).await;
    assert!(answer.is_ok(), "all pools have let go");
}

#[actix::test]
async fn a_pool_that_is_gone_keeps_nobody_waiting() {
    let (bus, pool) = (bus(), Pool::start(true));
    bus.subscribe(mask("EVENT"), pool.clone().recipient());
    pool.send(End).await.expect("the pool lived");
    let publish = bus.publish_paced(EventKind::SupervisorStateChangeRunning, || {
        Event::SupervisorRunning
    });
    let answer = actix_rt::time::timeout(Duration::from_secs(30), publish).await;
    assert!(answer.is_ok(), "a dead pool takes no turn");
    // The next one who subscribes finds the dead one's place cleared.
    let heir = Pool::start(false);
    bus.subscribe(mask("TICK_5"), heir.recipient());
    settle(&bus).await;
    assert_eq!(bus.wanted().mask(), mask("TICK_5"));
}

#[actix::test]
async fn publishers_on_other_threads_are_heard() {
    let (bus, pool) = (bus(), Pool::start(false));
    bus.subscribe(mask("PROCESS_GROUP"), pool.clone().recipient());
    let elsewhere = bus.clone();
    let thread = std::thread::spawn(move || (0..100).for_each(|_| added(&elsewhere)));
    thread.join().expect("the thread ends");
    settle(&bus).await;
    assert_eq!(serials(&pool).await.len(), 100);
}

#[actix::test]
async fn what_comes_after_a_publication_finds_it_delivered() {
    let (bus, pool) = (bus(), Pool::start(false));
    bus.subscribe(mask("PROCESS_GROUP"), pool.clone().recipient());
    let (tell, told) = tokio::sync::oneshot::channel();
    added(&bus);
    bus.then(move || drop(tell.send(pool)));
    let pool = told.await.expect("the bus lives");
    assert_eq!(serials(&pool).await, [0]);
}

/// Writes down what it is told of the types that are wanted.
struct Watcher(tokio::sync::mpsc::UnboundedSender<EventMask>);

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<WantedChanged> for Watcher {
    type Result = ();

    fn handle(&mut self, WantedChanged(mask): WantedChanged, _: &mut Context<Self>) {
        // The test may be over.
        let _ = self.0.send(mask);
    }
}

#[actix::test]
async fn a_watcher_is_told_what_is_wanted_now_and_at_each_change() {
    let (bus, pool) = (bus(), Pool::start(false));
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let watcher = Watcher::create(|ctx| {
        bus.address().do_send(Watch(ctx.address().recipient()));
        Watcher(told)
    });
    assert_eq!(hears.recv().await, Some(EventMask::NONE));
    bus.subscribe(mask("TICK"), pool.clone().recipient());
    bus.unsubscribe(pool.recipient());
    settle(&bus).await;
    let mut last = hears.recv().await;
    assert_eq!(last, Some(mask("TICK")));
    while last != Some(EventMask::NONE) {
        last = hears.recv().await;
    }
    assert!(watcher.connected());
}
