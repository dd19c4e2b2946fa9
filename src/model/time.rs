//! A moment as a calendar shows it. Which moment, and in which zone, was decided elsewhere.

/// A moment in some zone, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalTime {
    /// The year, as people write it.
    pub year: i64,
    /// 1 for January.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60: a zone with leap seconds has such a second.
    pub second: u8,
}
