//! Turns: children are made in the order in which they are asked for, though what comes before
//! (looking for the command, opening the logs) goes on for all of them at once.
//!
//! A turn begins when the one before it is over, and is over when it is dropped: whoever fails on
//! the way holds nobody up. Whoever hangs on the way (a log on a dead disk) does so for a short
//! time only.

use std::time::Duration;
use tokio::sync::oneshot;

/// How long a turn waits for the one before it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A place in an order. Dropped, it is over.
#[derive(Debug, Default)]
pub struct Turn {
    after: Option<oneshot::Receiver<Over>>,
    then: Option<oneshot::Sender<Over>>,
}

/// The word that a turn is over. One that was given up before it began leaves to the next the
/// turn that it would have waited for.
#[derive(Debug)]
struct Over(Option<oneshot::Receiver<Over>>);

impl Turn {
    /// Divides a turn into `parts` that follow each other, at its own place.
    pub(super) fn divide(mut self, parts: usize) -> Vec<Self> {
        let Some(last) = parts.checked_sub(1) else {
            return Vec::new();
        };
        let mut after = self.after.take();
        let mut turns = Vec::with_capacity(parts);
        for _ in 0..last {
            let (then, next) = oneshot::channel();
            turns.push(Self {
                after: after.replace(next),
                then: Some(then),
            });
        }
        turns.push(Self {
            after,
            then: self.then.take(),
        });
        turns
    }

    /// Answers when it is this turn.
    pub(super) async fn begin(&mut self) {
        let mut after = self.after.take();
        let before = async {
            while let Some(turn) = after.take() {
                after = turn.await.ok().and_then(|Over(before)| before);
            }
        };
        // Late is late.
        let _ = tokio::time::timeout(PATIENCE, before).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(then) = self.then.take() {
            // Whoever came next may have been given up before.
            let _ = then.send(Over(self.after.take()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Turn;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Runs parts that get ready in the order `ready`, and tells in which order they had turns.
    fn check(sizes: &[usize], ready: &[usize], expected: &[usize]) {
        let had = Rc::new(RefCell::new(Vec::new()));
        actix_rt::System::new().block_on(async {
            let turns = Turn::default().divide(sizes.len());
            let turns = turns.into_iter().zip(sizes);
            let turns = turns.flat_map(|(turn, &size)| turn.divide(size));
            let mut turns: Vec<_> = turns.map(Some).collect();
            let tasks: Vec<_> = ready
                .iter()
                .map(|&place| {
                    let mut turn = turns[place].take().expect("each part is ready once");
                    let had = Rc::clone(&had);
                    actix_rt::spawn(async move {
                        turn.begin().await;
                        had.borrow_mut().push(place);
                    })
                })
                .collect();
            drop(turns);
            for task in tasks {
                task.await.expect("no part panics");
            }
        });
        assert_eq!(*had.borrow(), expected);
    }

    #[test]
    fn parts_have_their_turns_in_order_however_they_get_ready() {
        check(&[1, 1, 1], &[2, 1, 0], &[0, 1, 2]);
        check(&[2, 0, 2], &[3, 0, 2, 1], &[0, 1, 2, 3]);
        check(&[0, 1], &[0], &[0]);
    }

    #[test]
    fn a_part_that_is_given_up_holds_nobody_up() {
        check(&[3], &[2, 0], &[0, 2]);
        check(&[4], &[3], &[3]);
    }
}
