//! Days, times and uuids read from text: the other way of how [`value`](super::value) writes them.

use super::{Date, Instant, TimeOfDay, Timestamp};

impl Date {
    /// Reads `2024-05-01`, and years of other lengths as they are written: `-0043-03-15`, `+10000-01-01`. `None` for another form, and for a
    /// day that no month has.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let mut parts = unsigned.splitn(3, '-');
        let digits = parts.next().filter(|digits| (4..=7).contains(&digits.len()))?;
        let (year, month, day) =
            (fixed(digits, digits.len())?, fixed(parts.next()?, 2)?, fixed(parts.next()?, 2)?);
        let year = if text.starts_with('-') { -year } else { year };
        let date = Self::of(i32::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)?;
        // Each day has one form.
        (date.to_string() == text).then_some(date)
    }

    /// A day of the calendar, months and days from 1 on; `None` for one that no month has.
    #[must_use]
    pub fn of(year: i32, month: u8, day: u8) -> Option<Self> {
        if day == 0 || day > days_in(year, month)? {
            return None;
        }
        let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
        // Years begin in March, so that the leap day is the last: 153 days in every five months from there.
        let (year_from_march, month_from_march) =
            if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let leap_days =
            year_from_march.div_euclid(4) - year_from_march.div_euclid(100) + year_from_march.div_euclid(400);
        let days = year_from_march * 365 + leap_days + (153 * month_from_march + 2) / 5 + day - 1 - 719_468;
        i32::try_from(days).ok().map(Self)
    }
}

fn days_in(year: i32, month: u8) -> Option<u8> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => Some(if is_leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

impl TimeOfDay {
    /// Reads `12:30:00` or `12:30:00.25`, with at most nine digits behind the point; `None` for another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let mut parts = clock.splitn(3, ':');
        let (hour, minute, second) =
            (fixed(parts.next()?, 2)?, fixed(parts.next()?, 2)?, fixed(parts.next()?, 2)?);
        if hour > 23 || minute > 59 || second > 59 || fraction.is_empty() || fraction.len() > 9 {
            return None;
        }
        let nanos = fixed(&format!("{fraction:0<9}"), 9)?;
        Some(Self((hour * 3600 + minute * 60 + second) * 1_000_000_000 + nanos))
    }
}

impl Timestamp {
    /// Reads a day and a time with a blank or `T` between; `None` for another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (day, time) = text.split_once(['T', ' '])?;
        let (day, TimeOfDay(time)) = (Date::parse(day)?, TimeOfDay::parse(time)?);
        let seconds = i64::from(day.0) * 86_400 + time / 1_000_000_000;
        Some(Self { seconds, nanos: u32::try_from(time % 1_000_000_000).ok()? })
    }
}

impl Instant {
    /// Reads a timestamp with `Z` or an offset such as `+02:00` behind it; `None` for another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (local, offset) = match text.strip_suffix('Z') {
            Some(local) => (local, 0),
            None => {
                let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
                (local, offset_seconds(offset)?)
            }
        };
        let local = Timestamp::parse(local)?;
        let at = Timestamp { seconds: local.seconds - i64::from(offset), ..local };
        Some(Self { at, offset: Some(offset) })
    }
}

/// The bytes of a uuid in its form with hyphens, `123e4567-e89b-12d3-a456-426614174000`; `None` for another form.
#[must_use]
pub fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.replace('-', "");
    if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

/// The opposite of [`parse_uuid`], lower case.
#[must_use]
pub fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = format!("{:032x}", u128::from_be_bytes(*bytes));
    for place in [20, 16, 12, 8] {
        text.insert(place, '-');
    }
    text
}

/// `+02:00`
fn offset_seconds(text: &str) -> Option<i32> {
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (fixed(hours, 2)?, fixed(minutes, 2)?);
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    match text.get(..1)? {
        _ if hours > 23 || minutes > 59 => None,
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

/// So many digits and nothing else.
fn fixed(text: &str, length: usize) -> Option<i64> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "0000-01-01",
            "1969-12-31",
            "2000-02-29",
            "9999-12-31",
            "-0043-03-15",
            "-4713-11-24",
            "+10000-01-01",
            "+5874897-12-31",
        ] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        for text in ["00:00:00", "23:59:59.000000001", "12:30:00.25"] {
            assert_eq!(TimeOfDay::parse(text).unwrap().to_string(), text);
        }
        for text in ["2024-05-01 12:30:00", "0001-01-01 00:00:00.5", "-0043-03-15 12:00:00"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        for text in ["2024-05-01T12:30:00Z", "2024-05-01T11:00:00.25-01:30"] {
            assert_eq!(Instant::parse(text).unwrap().to_string(), text);
        }
        let text = "00000000-e89b-12d3-a456-426614174abc";
        assert_eq!(uuid_text(&parse_uuid(text).unwrap()), text);
    }

    #[test]
    fn another_form_is_not_read() {
        for text in [
            "",
            "2024-5-1",
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "2024-01-32",
            "20240501",
            "2024-05-01 ",
            "+2024-05-01",
            "10000-01-01",
            "-0000-01-01",
            "--043-03-15",
            "+99999999-01-01",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        for text in ["24:00:00", "12:60:00", "12:30", "12:30:00.", "12:30:00.1234567890", "1:00:00"] {
            assert_eq!(TimeOfDay::parse(text).map(|time| time.0), None, "{text}");
        }
        for text in ["2024-05-01", "2024-05-01  12:30:00", "2024-05-01 12:30:00Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        for text in ["2024-05-01T12:30:00", "2024-05-01T12:30:00+24:00", "Z", "2024-05-01T12:30:00*02:00"] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
