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

/// The characters of a moment, without an allocation.
#[derive(Debug, Clone, Copy)]
pub struct Characters {
    bytes: [u8; 48],
    length: usize,
}

impl Characters {
    fn new() -> Self {
        Self { bytes: [0; 48], length: 0 }
    }

    /// As a text.
    pub fn as_str(&self) -> &str {
        // Only ASCII was pushed.
        std::str::from_utf8(self.bytes.get(..self.length).unwrap_or_default()).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        // The longest moment has fewer: 12 digits of a year, a time, nanoseconds, an offset, signs.
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// A number with at least so many digits.
    fn digits(&mut self, number: u64, width: u32) {
        let mut unit = 10_u64.pow(width - 1);
        while number / unit >= 10 {
            unit *= 10;
        }
        while unit > 0 {
            // One decimal digit.
            self.push(b'0' + u8::try_from(number / unit % 10).unwrap_or_default());
            unit /= 10;
        }
    }

    /// Days to year, month and day, by the usual count of 400-year eras that begin on 1 March. Years beyond four digits carry a sign.
    fn date(&mut self, days: i64) {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        if !(0..=9999).contains(&year) {
            self.push(if year < 0 { b'-' } else { b'+' });
        }
        self.digits(year.unsigned_abs(), 4);
        self.push(b'-');
        self.digits(month.unsigned_abs(), 2);
        self.push(b'-');
        self.digits(day.unsigned_abs(), 2);
    }

    /// `12:30:00`, with as many digits of a second as needed.
    fn time(&mut self, second_of_day: i64, nanos: u32) {
        for (index, part) in
            [second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60].iter().enumerate()
        {
            if index > 0 {
                self.push(b':');
            }
            self.digits(part.unsigned_abs(), 2);
        }
        if nanos == 0 {
            return;
        }
        self.push(b'.');
        let (mut fraction, mut width) = (nanos, 9);
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        self.digits(fraction.into(), width);
    }

    fn timestamp(&mut self, seconds: i64, between: u8, nanos: u32) {
        self.date(seconds.div_euclid(86_400));
        self.push(between);
        self.time(seconds.rem_euclid(86_400), nanos);
    }
}

impl Date {
    /// `2024-05-01`; years beyond four digits carry a sign.
    pub fn characters(self) -> Characters {
        let mut text = Characters::new();
        text.date(self.0.into());
        text
    }
}

impl Timestamp {
    /// `2024-05-01 12:30:00`, with as many digits of a second as needed.
    pub fn characters(self) -> Characters {
        let mut text = Characters::new();
        text.timestamp(self.seconds, b' ', self.nanos);
        text
    }
}

impl Instant {
    /// RFC 3339: `2024-05-01T12:30:00Z`, or with the kept offset.
    pub fn characters(self) -> Characters {
        let mut text = Characters::new();
        let offset = self.offset.unwrap_or(0);
        text.timestamp(self.at.seconds.saturating_add(i64::from(offset)), b'T', self.at.nanos);
        if offset == 0 {
            text.push(b'Z');
            return text;
        }
        let minutes = offset.unsigned_abs() / 60;
        text.push(if offset < 0 { b'-' } else { b'+' });
        text.digits((minutes / 60).into(), 2);
        text.push(b':');
        text.digits((minutes % 60).into(), 2);
        text
    }
}

/// A time of day given in nanoseconds since midnight, as `12:30:00.5`.
pub struct TimeOfDay(pub i64);

impl TimeOfDay {
    /// As a text.
    pub fn characters(&self) -> Characters {
        let mut text = Characters::new();
        let nanos = u32::try_from(self.0.rem_euclid(1_000_000_000)).unwrap_or(0);
        text.time(self.0.div_euclid(1_000_000_000), nanos);
        text
    }
}

macro_rules! displayed {
    ($($moment:ty),*) => {
        $(impl fmt::Display for $moment {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.characters().as_str())
            }
        })*
    };
}
displayed!(Date, Timestamp, Instant, TimeOfDay);

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
        for (nanos, text) in [(1, "12:30:00.000000001"), (120_000_000, "12:30:00.12"), (0, "12:30:00")] {
            assert_eq!(TimeOfDay(45_000_000_000_000 + nanos).to_string(), text);
        }
    }

    #[test]
    fn an_instant_shows_the_offset_that_the_store_kept() {
        let at = Timestamp { seconds: 1_714_566_600, nanos: 0 };
        assert_eq!(Instant { at, offset: None }.to_string(), "2024-05-01T12:30:00Z");
        assert_eq!(Instant { at, offset: Some(-5400) }.to_string(), "2024-05-01T11:00:00-01:30");
    }
}
