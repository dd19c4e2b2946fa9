//! How long to stay awake for an answer.
//!
//! To sleep and to be woken costs more than a quick listener's answer takes: the processor that it
//! runs on has to wake ours up, which then is not ready for the next answer either. So who has
//! written an event looks around a few times before sleeping. This is how often, and for whom it
//! is not worth while: each time that nobody answers meanwhile, twice as many events as before are
//! written without looking around, up to a bound, until a look pays again.

/// How often to look around after an event was written. A look takes half a microsecond where
/// nothing else is to be done; a listener that answers at once takes five.
const LOOKS: u32 = 40;

/// What looking in vain costs is divided by as many events as this power of two.
const DOUBLINGS_MAX: u32 = 8;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// Looks that are left.
    looks: u32,
    /// How often in a row nobody answered in time.
    misses: u32,
    /// Events that are not to be waited for like that.
    skipped: u32,
}

impl Patience {
    /// An event was written to a listener, who is now to answer.
    pub const fn asked(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
        } else {
            self.looks = LOOKS;
        }
    }

    /// A listener has answered.
    pub const fn answered(&mut self) {
        if self.looks > 0 {
            self.looks = 0;
            self.misses = 0;
        }
    }

    /// Whether to look around once more before sleeping.
    pub const fn look(&mut self) -> bool {
        if self.looks == 0 {
            return false;
        }
        self.looks -= 1;
        if self.looks == 0 {
            if self.misses < DOUBLINGS_MAX {
                self.misses += 1;
            }
            self.skipped = (1 << self.misses) - 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A story: `w` an event is written, `a` an answer comes, `.` waits for as long as there is
    /// patience. Claims how many looks each wait took.
    fn check(story: &str, looks: &[u32]) {
        let mut patience = Patience::default();
        let mut taken = Vec::new();
        for step in story.chars() {
            match step {
                'w' => patience.asked(),
                'a' => patience.answered(),
                _ => {
                    let count = std::iter::from_fn(|| patience.look().then_some(())).count();
                    taken.push(u32::try_from(count).expect("it is bounded"));
                }
            }
        }
        assert_eq!(taken, looks, "{story}");
    }

    #[test]
    fn nobody_looks_around_who_waits_for_nothing() {
        check(".", &[0]);
        check("a.", &[0]);
        check("wa.", &[0]);
    }

    #[test]
    fn after_an_event_there_is_a_bounded_number_of_looks() {
        check("w.", &[LOOKS]);
        check("w..", &[LOOKS, 0]);
        check("ww.", &[LOOKS]);
        check("waw.", &[LOOKS]);
    }

    #[test]
    fn what_was_in_vain_is_done_less_and_less() {
        check("w.w.w.", &[LOOKS, 0, LOOKS]);
        check("w.w.w.w.w.w.w.", &[LOOKS, 0, LOOKS, 0, 0, 0, LOOKS]);
        let slow = "w.a".repeat(10_000);
        let mut patience = Patience::default();
        let mut looks = 0;
        for step in slow.chars() {
            match step {
                'w' => patience.asked(),
                'a' => patience.answered(),
                _ => {
                    while patience.look() {
                        looks += 1;
                    }
                }
            }
        }
        assert!(looks < LOOKS * 64, "{looks}");
    }

    #[test]
    fn an_answer_in_time_brings_patience_back() {
        let late = "w.aw.aw.a";
        // The fourth is not looked for; the eighth is, and is answered in time.
        check(&format!("{late}wawawawa."), &[LOOKS, 0, LOOKS, 0]);
        check(&format!("{late}wawawawaw."), &[LOOKS, 0, LOOKS, LOOKS]);
        check(
            &format!("{late}wawawawaw.w.w."),
            &[LOOKS, 0, LOOKS, LOOKS, 0, LOOKS],
        );
    }
}
