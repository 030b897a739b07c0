//! How much goes into a submission: little at first, then as much as takes about a tenth of a second.
//!
//! Systems end a submission that takes seconds, and with it the device (Windows after two). How long
//! one takes depends on the GPU and on the pairs, so it is measured. No bit depends on it.

/// Milliseconds that a submission is to take on hardware.
const WANTED: f64 = 100.0;
/// What the first submission takes at most.
const FIRST: usize = 2;

/// How many of something go into the next submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    at_once: usize,
    most: usize,
    /// Whether the system ends a submission that takes long.
    watched: bool,
}

impl Pace {
    /// At most `most`, beginning with few where the system watches.
    pub(super) fn new(most: usize, watched: bool) -> Self {
        let at_once = if watched { most.min(FIRST) } else { most };
        Self { at_once, most, watched }
    }

    /// How many go into the next submission at most.
    pub(super) fn at_once(self) -> usize {
        self.at_once
    }

    /// Takes note of what a submission of `count` took.
    pub(super) fn landed(&mut self, count: usize, milliseconds: f64) {
        if !self.watched || count == 0 {
            return;
        }
        let fitting = (WANTED / (milliseconds / count as f64).max(1e-9)) as usize;
        // One that was small says little about a large one.
        self.at_once = fitting.clamp(1, self.most).min(2 * count.max(self.at_once));
    }

    /// Half as many from now on; false where that is none.
    pub(super) fn halve(&mut self) -> bool {
        let could = self.at_once > 1;
        self.most = (self.at_once / 2).max(1);
        self.at_once = self.most;
        could
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submissions_grow_until_they_take_a_tenth_of_a_second() {
        let mut pace = Pace::new(32, true);
        let mut counts = Vec::new();
        for _ in 0..6 {
            counts.push(pace.at_once());
            pace.landed(pace.at_once(), 0.2 * pace.at_once() as f64);
        }
        assert_eq!(counts, [2, 4, 8, 16, 32, 32]);
    }

    #[test]
    fn one_that_takes_too_long_shrinks_the_next() {
        let mut pace = Pace::new(32, true);
        for _ in 0..5 {
            pace.landed(pace.at_once(), 1.0);
        }
        assert_eq!(pace.at_once(), 32);
        pace.landed(32, 1600.0);
        assert_eq!(pace.at_once(), 2, "50 ms a pair");
        pace.landed(2, 5000.0);
        assert_eq!(pace.at_once(), 1, "at least one");
        pace.landed(1, 0.0);
        assert_eq!(pace.at_once(), 2, "and it grows again");
    }

    #[test]
    fn what_nobody_watches_is_as_large_as_it_may_be() {
        let mut pace = Pace::new(8, false);
        pace.landed(8, 1e6);
        assert_eq!(pace.at_once(), 8);
    }

    #[test]
    fn what_was_halved_stays_so() {
        let mut pace = Pace::new(8, false);
        assert!(pace.halve() && pace.halve() && pace.halve());
        assert_eq!((pace.at_once(), pace.halve()), (1, false));
        let mut pace = Pace { at_once: 8, ..Pace::new(32, true) };
        assert!(pace.halve());
        pace.landed(4, 0.1);
        assert_eq!(pace.at_once(), 4);
    }
}
