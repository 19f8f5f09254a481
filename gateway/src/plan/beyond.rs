//! Reads the texts of values that a column holds beside those of its type, see [`Beyond`]: in the form in which answers show them.

use connector_api::model::{Beyond, ColumnType, Date, TimeOfDay, Value};

/// The value, where the column holds such ones.
pub(super) fn read(held: &[Beyond], data_type: ColumnType, text: &str) -> Option<Value> {
    let text = text.trim();
    held.iter().find_map(|kind| one(*kind, data_type, text))
}

fn one(kind: Beyond, data_type: ColumnType, text: &str) -> Option<Value> {
    use ColumnType::{Date, DateTime, Decimal, Double, Float, Time, Timestamp};
    let is_it = match (kind, data_type) {
        (Beyond::Infinity, Decimal | Double | Float) => return infinite(text),
        (Beyond::NotANumber, Decimal | Double | Float) => {
            return text.eq_ignore_ascii_case("NaN").then_some(Value::F64(f64::NAN));
        }
        (Beyond::Infinity, Date | DateTime | Timestamp) => infinite(text).is_some(),
        (Beyond::EndOfDay, Time) => text == "24:00:00",
        (Beyond::ZeroDays, Date) => is_zero_day(text),
        (Beyond::ZeroDays, DateTime | Timestamp) => {
            let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
            is_zero_day(day) && TimeOfDay::parse(time).is_some()
        }
        (Beyond::LongTimes, Time) => is_long_time(text),
        _ => false,
    };
    is_it.then(|| Value::Text(text.to_owned()))
}

fn infinite(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let infinity = if unsigned.len() < text.len() { f64::NEG_INFINITY } else { f64::INFINITY };
    unsigned.eq_ignore_ascii_case("infinity").then_some(Value::F64(infinity))
}

/// A month or a day of 0, and else what some year has.
fn is_zero_day(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let filled = |part| if part == "00" { "01" } else { part };
    let is_real = Date::parse(&format!("2000-{}-{}", filled(month), filled(day))).is_some();
    let is_year = year.len() == 4 && year.bytes().all(|digit| digit.is_ascii_digit());
    is_real && is_year && [month, day].contains(&"00")
}

/// Hours of two or three digits, up to 838, which no clock shows; else as a time is written.
fn is_long_time(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let Some((hours, rest)) = unsigned.split_once(':') else { return false };
    let is_number = (2..=3).contains(&hours.len()) && hours.bytes().all(|digit| digit.is_ascii_digit());
    let is_within = hours.parse().is_ok_and(|hours: u16| hours <= 838);
    let is_short = unsigned == text && hours.parse().is_ok_and(|hours: u16| hours < 24);
    is_number && is_within && !is_short && TimeOfDay::parse(&format!("00:{rest}")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Beyond, data_type: ColumnType, texts: &[&str], others: &[&str]) {
        for text in texts {
            assert_eq!(read(&[kind], data_type, text), Some(Value::Text((*text).to_owned())), "{text}");
            assert_eq!(read(&[], data_type, text), None, "{text}");
        }
        for text in others {
            assert_eq!(read(&[kind], data_type, text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_read_where_the_column_holds_such_values() {
        use ColumnType::{Date, DateTime, Time, Timestamp};
        for data_type in [Date, DateTime, Timestamp] {
            check(Beyond::Infinity, data_type, &["infinity", "-infinity"], &["inf", "now", "2024-05-01"]);
        }
        check(Beyond::EndOfDay, Time, &["24:00:00"], &["24:00:01", "infinity"]);
        let zero = &["0000-00-00", "2024-00-01", "2024-02-00"];
        check(
            Beyond::ZeroDays,
            Date,
            zero,
            &["2024-13-00", "2024-00-32", "2023-02-29", "2024-01-01", "0-0-0"],
        );
        let zero = &["0000-00-00 00:00:00", "2024-00-01T01:02:03.5", "0000-00-00"];
        check(Beyond::ZeroDays, DateTime, zero, &["0000-00-00 24:00:00", "2024-01-01 00:00:00"]);
        let long = &["-838:59:59", "838:59:59.25", "-00:00:01", "24:00:00"];
        check(Beyond::LongTimes, Time, long, &["839:00:00", "12:30:00", "25:60:00", "25:00", "1:00:00", "x"]);
    }

    #[test]
    fn numbers_that_are_none_are_floats() {
        let both = [Beyond::Infinity, Beyond::NotANumber];
        for (text, expected) in [("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)] {
            for data_type in [ColumnType::Decimal, ColumnType::Double, ColumnType::Float] {
                assert_eq!(read(&both, data_type, text), Some(Value::F64(expected)));
                assert_eq!(read(&both[1..], data_type, text), None);
            }
            assert_eq!(read(&both, ColumnType::Integer, text), None);
        }
        let read = read(&both, ColumnType::Double, "NaN");
        assert!(matches!(read, Some(Value::F64(number)) if number.is_nan()), "{read:?}");
    }
}
