//! A pool's buffer: the events that wait for a listener, with the pool's own numbers
//! (`process.py`, `EventListenerPool._acceptEvent`).
//!
//! It holds `buffer_size` events at most. When one more comes, the oldest goes, and is handed to
//! the caller, who says so; nothing disappears uncounted. The buffer decides nothing about
//! listeners.

use super::envelope::{Encoded, Serials};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// An event in a pool: the shared event and its number among the pool's events. The number is
/// taken once and kept, however often the event is sent.
#[derive(Clone, Debug)]
pub struct Queued {
    /// The event.
    pub event: Arc<Encoded>,
    /// Its number among all events that this pool accepted.
    pub pool_serial: u64,
}

/// The buffer. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Oldest first.
    events: VecDeque<Queued>,
    size: NonZeroUsize,
    serials: Serials,
    dropped: u64,
}

impl Buffer {
    /// An empty buffer for `size` events.
    pub const fn new(size: NonZeroUsize) -> Self {
        Self {
            events: VecDeque::new(),
            size,
            serials: Serials::new(),
            dropped: 0,
        }
    }

    /// Numbers an event and puts it behind all others. What had to go for it comes back.
    pub fn accept(&mut self, event: Arc<Encoded>) -> Option<Queued> {
        let pool_serial = self.serials.take();
        let discarded = self.make_room();
        self.events.push_back(Queued { event, pool_serial });
        discarded
    }

    /// Puts an event that a listener did not handle before all others. What had to go for it
    /// comes back: as in the original that is the oldest of those that wait, and not the event
    /// itself.
    pub fn put_back(&mut self, queued: Queued) -> Option<Queued> {
        let discarded = self.make_room();
        self.events.push_front(queued);
        discarded
    }

    /// Takes the event that has waited longest.
    pub fn take(&mut self) -> Option<Queued> {
        self.events.pop_front()
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many events may wait.
    pub const fn size(&self) -> usize {
        self.size.get()
    }

    /// How many events were discarded so far.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn make_room(&mut self) -> Option<Queued> {
        if self.events.len() < self.size.get() {
            return None;
        }
        let discarded = self.events.pop_front();
        self.dropped += u64::from(discarded.is_some());
        discarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Event;

    /// Runs a story on a buffer for `size` events: `+` accepts the next event, `<` takes one,
    /// `^` puts the last one taken back. Claims which pool serials went, and which wait at the
    /// end.
    fn check(size: usize, story: &str, gone: &[u64], waiting: &[u64]) {
        let size = NonZeroUsize::new(size).expect("tests give sizes above 0");
        let mut buffer = Buffer::new(size);
        let mut hand = Vec::new();
        let mut discarded = Vec::new();
        for (step, serial) in story.chars().zip(100..) {
            match step {
                '+' => {
                    let event = Encoded::new(serial, Event::SupervisorRunning, "".into());
                    discarded.extend(buffer.accept(Arc::new(event)));
                }
                '<' => hand.extend(buffer.take()),
                _ => discarded.extend(hand.pop().and_then(|queued| buffer.put_back(queued))),
            }
            assert!(buffer.len() <= buffer.size(), "{story}");
        }
        let serials = |events: &[Queued]| -> Vec<u64> {
            events.iter().map(|queued| queued.pool_serial).collect()
        };
        assert_eq!(serials(&discarded), gone, "gone: {story}");
        assert_eq!(buffer.dropped(), gone.len() as u64, "{story}");
        let mut left = Vec::new();
        while let Some(queued) = buffer.take() {
            left.push(queued);
        }
        assert_eq!(serials(&left), waiting, "waiting: {story}");
        assert!(buffer.is_empty());
    }

    #[test]
    fn events_wait_in_the_order_in_which_they_came() {
        check(10, "", &[], &[]);
        check(10, "+++", &[], &[0, 1, 2]);
        check(10, "+++<", &[], &[1, 2]);
        check(10, "<+", &[], &[0]);
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        check(2, "+++", &[0], &[1, 2]);
        check(2, "+++++", &[0, 1, 2], &[3, 4]);
        check(1, "+++", &[0, 1], &[2]);
    }

    #[test]
    fn an_event_that_comes_back_is_the_next_one_under_its_old_number() {
        check(10, "+++<^", &[], &[0, 1, 2]);
        check(10, "+<^+", &[], &[0, 1]);
        check(10, "++<<^^", &[], &[0, 1]);
    }

    #[test]
    fn an_event_that_comes_back_into_a_full_buffer_costs_the_oldest_that_waits() {
        check(2, "++<+^", &[1], &[0, 2]);
        check(1, "+<+^", &[1], &[0]);
    }
}
