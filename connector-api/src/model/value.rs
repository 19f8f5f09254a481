//! Values, owned. On the way of rows nothing is owned: see [`Cell`](super::batch::Cell).

use std::fmt;

/// A value of any kind, as it stands in a parameter, a record or a row.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL's null.
    Null,
    /// Not there at all: a member that a document does not have; on write: leave alone.
    Absent,
    /// True or false.
    Bool(bool),
    /// A signed whole number.
    I64(i64),
    /// A whole number above the signed range.
    U64(u64),
    /// A 32-bit floating point number.
    F32(f32),
    /// A 64-bit floating point number.
    F64(f64),
    /// An exact decimal in plain or exponent notation (`-12.50`, `1E+30`), scale kept.
    Decimal(String),
    /// A text; may contain U+0000.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// JSON text, valid.
    Json(String),
    /// A day.
    Date(Date),
    /// A time of day: nanoseconds since midnight.
    Time(i64),
    /// A day and time without zone.
    Timestamp(Timestamp),
    /// A point in time.
    Instant(Instant),
    /// 128 bits in network order.
    Uuid([u8; 16]),
    /// A list.
    List(Vec<Value>),
    /// A document, members in order.
    Object(Vec<(String, Value)>),
    /// A value of a named extension type, for example `bson.objectid`, around its plainest form.
    Extension(String, Box<Value>),
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(pub i32);

/// Seconds and nanoseconds since 1970-01-01 00:00:00 of an unnamed zone: never shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    /// Whole seconds, may be negative.
    pub seconds: i64,
    /// 0 to 999,999,999, always added.
    pub nanos: u32,
}

/// Seconds and nanoseconds since the Unix epoch, with the offset the store keeps, if it keeps one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instant {
    /// The point in time in UTC.
    pub at: Timestamp,
    /// Seconds east of UTC. `None`: the store keeps no offset.
    pub offset: Option<i32>,
}

/// `2024-05-01`; years beyond four digits carry a sign.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date(f, i64::from(self.0))
    }
}

/// `2024-05-01 12:30:00`, with as many digits of a second as needed.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_date(f, self.seconds.div_euclid(86_400))?;
        f.write_str(" ")?;
        write_time(f, self.seconds.rem_euclid(86_400), self.nanos)
    }
}

/// RFC 3339: `2024-05-01T12:30:00Z`, or with the kept offset.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset.unwrap_or(0);
        let local = self.at.seconds.saturating_add(i64::from(offset));
        write_date(f, local.div_euclid(86_400))?;
        f.write_str("T")?;
        write_time(f, local.rem_euclid(86_400), self.at.nanos)?;
        if offset == 0 {
            return f.write_str("Z");
        }
        let minutes = offset.unsigned_abs() / 60;
        write!(f, "{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    }
}

/// A time of day given in nanoseconds since midnight, as `12:30:00.5`.
pub struct TimeOfDay(pub i64);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = u32::try_from(self.0.rem_euclid(1_000_000_000)).unwrap_or(0);
        write_time(f, self.0.div_euclid(1_000_000_000), nanos)
    }
}

fn write_time(f: &mut fmt::Formatter<'_>, second_of_day: i64, nanos: u32) -> fmt::Result {
    write!(f, "{:02}:{:02}:{:02}", second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60)?;
    if nanos == 0 {
        return Ok(());
    }
    let digits = format!("{nanos:09}");
    write!(f, ".{}", digits.trim_end_matches('0'))
}

/// Days to year, month and day, by the usual count of 400-year eras that begin on 1 March.
fn write_date(f: &mut fmt::Formatter<'_>, days: i64) -> fmt::Result {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if (0..=9999).contains(&year) {
        write!(f, "{year:04}-{month:02}-{day:02}")
    } else {
        write!(f, "{year:+05}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_read_as_the_calendar_has_them() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_844, "2024-05-01"),
            (-719_528, "0000-01-01"),
            (2_932_897, "+10000-01-01"),
        ] {
            assert_eq!(Date(days).to_string(), text);
        }
    }

    #[test]
    fn a_naive_timestamp_is_not_shifted_and_keeps_its_fraction() {
        assert_eq!(Timestamp { seconds: -1, nanos: 500_000_000 }.to_string(), "1969-12-31 23:59:59.5");
        assert_eq!(TimeOfDay(45_000_000_000_001).to_string(), "12:30:00.000000001");
    }

    #[test]
    fn an_instant_shows_the_offset_that_the_store_kept() {
        let at = Timestamp { seconds: 1_714_566_600, nanos: 0 };
        assert_eq!(Instant { at, offset: None }.to_string(), "2024-05-01T12:30:00Z");
        assert_eq!(Instant { at, offset: Some(-5400) }.to_string(), "2024-05-01T11:00:00-01:30");
    }
}
