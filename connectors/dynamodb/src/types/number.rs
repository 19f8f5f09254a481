//! Numbers as the store has them: decimal text of at most 38 digits, from 1E-130 up to below 1E+126.

use connector_api::author::Value;

const MAX_DIGITS: usize = 38;
/// Place of the first digit before the point: 1 is at place 0.
const PLACES: std::ops::RangeInclusive<i64> = -130..=125;
/// Up to here each whole number is a double of its own.
const EXACT_DOUBLES: f64 = 9_007_199_254_740_992.0;

/// A whole number of 64 bits where it is one, else an exact decimal.
pub(super) fn value(digits: String) -> Value {
    match (digits.parse::<i64>(), digits.parse::<u64>()) {
        (Ok(number), _) => Value::I64(number),
        (_, Ok(number)) => Value::U64(number),
        _ => Value::Decimal(digits),
    }
}

/// The digits of a float that is a whole number, and so small that no other number has the same double.
pub(super) fn exact(value: &Value) -> Option<String> {
    let number = match value {
        Value::F32(number) => f64::from(*number),
        Value::F64(number) => *number,
        _ => return None,
    };
    (number.fract() == 0.0 && number.abs() <= EXACT_DOUBLES).then(|| format!("{number:.0}"))
}

/// Whether the store keeps all of this number.
pub(crate) fn is_storable(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let Ok(exponent) = exponent.parse::<i64>() else { return false };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let significant = digits.trim_start_matches('0');
    let leading = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return true;
    }
    let place = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let first = place(whole.len()).saturating_sub(1).saturating_sub(place(leading)).saturating_add(exponent);
    significant.len() <= MAX_DIGITS && PLACES.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_storable_up_to_38_digits_and_within_the_range() {
        let digits = |count: usize| "1".repeat(count);
        for (text, expected) in [
            ("0", true),
            ("-0.000", true),
            ("12.50", true),
            (digits(38).as_str(), true),
            (digits(39).as_str(), false),
            (format!("{}000", digits(38)).as_str(), true),
            (format!("0.000{}", digits(38)).as_str(), true),
            ("9.99E125", true),
            ("1E126", false),
            ("1E-130", true),
            ("9E-131", false),
            ("0.1E-129", true),
            ("1e400", false),
            ("-1E+30", true),
            ("", false),
            (".", false),
            ("NaN", false),
            ("inf", false),
            ("1E", false),
            ("1 OR 1", false),
        ] {
            assert_eq!(is_storable(text), expected, "{text}");
        }
    }

    #[test]
    fn digits_read_as_the_narrowest_exact_type() {
        for (digits, expected) in [
            ("-9223372036854775808", Value::I64(i64::MIN)),
            ("18446744073709551615", Value::U64(u64::MAX)),
            ("18446744073709551616", Value::Decimal("18446744073709551616".to_owned())),
            ("12.5", Value::Decimal("12.5".to_owned())),
        ] {
            assert_eq!(value(digits.to_owned()), expected);
        }
    }

    #[test]
    fn only_floats_that_are_one_number_have_digits() {
        assert_eq!(exact(&Value::F64(-3.0)), Some("-3".to_owned()));
        assert_eq!(exact(&Value::F64(0.1)), None);
        assert_eq!(exact(&Value::F64(1e300)), None);
        assert_eq!(exact(&Value::F64(f64::NAN)), None);
    }
}
