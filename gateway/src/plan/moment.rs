//! Reads the text of a filter as a day, a time or a uuid. Any form is taken that can only mean one value; what is none is refused where
//! this is called, for a store would find nothing by it and say nothing.

use connector_api::model::{ColumnType, Date, Instant, TimeOfDay, Timestamp, Value, parse_uuid};

/// The value of this type that the text stands for.
pub(super) fn lenient(data_type: ColumnType, text: &str) -> Option<Value> {
    let text = text.trim();
    match data_type {
        ColumnType::Date => day(text).map(Value::Date),
        ColumnType::Time => clock(text).map(|time| Value::Time(time.0)),
        ColumnType::DateTime => local(text).map(Value::Timestamp),
        ColumnType::Timestamp => instant(text).map(Value::Instant),
        ColumnType::Uuid => parse_uuid(text).map(Value::Uuid),
        _ => None,
    }
}

/// The value, where the text is just as such a value would be written. Any other text goes as it is: a store that keeps days and times as
/// text may have written them so.
pub(super) fn exact(data_type: ColumnType, text: &str) -> Value {
    let typed = match data_type {
        ColumnType::Date => Date::parse(text).map(Value::Date),
        ColumnType::Time => {
            TimeOfDay::parse(text).filter(|time| time.to_string() == text).map(|time| Value::Time(time.0))
        }
        ColumnType::DateTime => {
            Timestamp::parse(text).filter(|moment| moment.to_string() == text).map(Value::Timestamp)
        }
        _ => None,
    };
    typed.unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// What a text has to look like, for messages.
pub(super) fn expected(data_type: ColumnType) -> &'static str {
    match data_type {
        ColumnType::Date => "date such as 2024-05-01",
        ColumnType::Time => "time such as 12:30:00",
        ColumnType::DateTime => "date and time such as 2024-05-01 12:30:00, without a zone",
        ColumnType::Timestamp => "point in time such as 2024-05-01T12:30:00Z or 2024-05-01T14:30:00+02:00",
        _ => "uuid such as 123e4567-e89b-12d3-a456-426614174000",
    }
}

/// A day, or its midnight.
fn day(text: &str) -> Option<Date> {
    let (day, time) = split(text);
    let is_midnight = time.is_none_or(|time| clock(time).is_some_and(|time| time.0 == 0));
    if is_midnight { Date::parse(day) } else { None }
}

/// `12:30`, `12:30:00` or `12:30:00.5`.
fn clock(text: &str) -> Option<TimeOfDay> {
    TimeOfDay::parse(text).or_else(|| TimeOfDay::parse(&format!("{text}:00")))
}

/// A day and a time; a day alone is its midnight.
fn local(text: &str) -> Option<Timestamp> {
    let (day, time) = split(text);
    let time = clock(time.unwrap_or("00:00"))?;
    Timestamp::parse(&format!("{day} {time}"))
}

/// What names no zone is in UTC, as points in time are answered.
fn instant(text: &str) -> Option<Instant> {
    let (text, zone) = split_zone(text).unwrap_or_else(|| (text, "Z".to_owned()));
    Instant::parse(&format!("{}{zone}", local(text)?))
}

/// Whether a day and a time have a zone behind them.
pub(super) fn has_zone(text: &str) -> bool {
    split_zone(text.trim()).is_some()
}

/// What stands before the zone, and the zone as `Z` or `+02:00`.
fn split_zone(text: &str) -> Option<(&str, String)> {
    let time = text.find(['T', ' '])?;
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return Some((local.trim_end(), "Z".to_owned()));
    }
    let place = time + text.get(time..)?.rfind(['+', '-'])?;
    let (local, zone) = text.split_at_checked(place)?;
    let (sign, digits) = zone.split_at_checked(1)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => digits.split_at_checked(2)?,
    };
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
    let minutes = if minutes.is_empty() { "00" } else { minutes };
    (is_number(hours) && is_number(minutes)).then(|| (local.trim_end(), format!("{sign}{hours}:{minutes}")))
}

/// Whether values of this type are read here.
pub(super) fn is_moment(data_type: ColumnType) -> bool {
    use ColumnType::{Date, DateTime, Time, Timestamp, Uuid};
    matches!(data_type, Date | Time | DateTime | Timestamp | Uuid)
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(['T', ' ']).map_or((text, None), |(day, time)| (day, Some(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same value as its one exact form has; `None`: refused.
    fn check(data_type: ColumnType, text: &str, expected: Option<&str>) {
        let read = lenient(data_type, text).map(|value| match value {
            Value::Date(day) => day.to_string(),
            Value::Time(time) => TimeOfDay(time).to_string(),
            Value::Timestamp(at) => at.to_string(),
            Value::Instant(at) => at.to_string(),
            other => format!("{other:?}"),
        });
        assert_eq!(read.as_deref(), expected, "{data_type:?} {text}");
    }

    #[test]
    fn a_text_is_read_where_it_can_mean_one_value_only() {
        use ColumnType::{Date, DateTime, Time, Timestamp};
        check(Date, "2024-02-29", Some("2024-02-29"));
        check(Date, " 2024-02-29 00:00:00", Some("2024-02-29"));
        check(Date, "2024-02-29T00:00", Some("2024-02-29"));
        check(Date, "2024-02-29 00:00:01", None);
        check(Date, "2023-02-29", None);
        check(Date, "yesterday", None);
        check(Time, "12:00", Some("12:00:00"));
        check(Time, "12:00:00.50", Some("12:00:00.5"));
        check(Time, "12", None);
        check(Time, "24:00", None);
        check(DateTime, "2024-05-01", Some("2024-05-01 00:00:00"));
        check(DateTime, "2024-05-01T12:30", Some("2024-05-01 12:30:00"));
        check(DateTime, "2024-05-01 12:30:00.50", Some("2024-05-01 12:30:00.5"));
        check(DateTime, "2024-05-01T12:30:00Z", None);
        check(DateTime, "2024-05", None);
        check(DateTime, "", None);
        check(Timestamp, "2024-05-01", Some("2024-05-01T00:00:00Z"));
        check(Timestamp, "2024-05-01 12:30", Some("2024-05-01T12:30:00Z"));
        check(Timestamp, "2024-05-01T12:30:00+02:00", Some("2024-05-01T12:30:00+02:00"));
        check(Timestamp, "2024-05-01 12:30:00Z", Some("2024-05-01T12:30:00Z"));
        check(Timestamp, "2024-05-01 12:30+05", Some("2024-05-01T12:30:00+05:00"));
        check(Timestamp, "2024-05-01T12:30:00.5 -0130", Some("2024-05-01T12:30:00.5-01:30"));
        check(Timestamp, "2024-05-01T12:30:00+5", None);
        check(Timestamp, "-0043-03-15T12:00:00Z", Some("-0043-03-15T12:00:00Z"));
        check(Date, "+10000-01-01", Some("+10000-01-01"));
        check(Timestamp, "1714566600", None);
        check(ColumnType::Uuid, "nonsense", None);
        let uuid = lenient(ColumnType::Uuid, "123E4567-e89b-12d3-a456-426614174000");
        assert_eq!(uuid, Some(Value::Uuid(0x123e_4567_e89b_12d3_a456_4266_1417_4000_u128.to_be_bytes())));
    }
}
