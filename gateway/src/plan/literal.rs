//! Reads the text or JSON of a request as a value of a column's type.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connector_api::model::{Beyond, Capabilities, ColumnType, Expr, Function, Value};
use serde_json::Value as Json;

use super::{Error, beyond, moment};

/// Words for true and false, in any case.
const TRUE: [&str; 6] = ["true", "1", "yes", "on", "y", "t"];
const FALSE: [&str; 6] = ["false", "0", "no", "off", "n", "f"];

/// Where a value belongs: the field's public name and type, and the parameter it came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) field: &'a str,
    pub(super) data_type: ColumnType,
    /// What the field holds beside the values of its type.
    pub(super) beyond: &'a [Beyond],
    /// Days, times and uuids may be any text, see [`Column::keeps_text`](connector_api::model::Column::keeps_text).
    pub(super) keeps_text: bool,
    /// The type describes and does not bind, see [`Column::is_guessed`](connector_api::model::Column::is_guessed).
    pub(super) is_guessed: bool,
    pub(super) parameter: &'static str,
}

/// How a field is searched for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Searched {
    /// It holds texts.
    AsItIs,
    /// The text of each value.
    AsText,
}

impl Searched {
    /// What is searched.
    pub(super) fn of(self, column: Expr) -> Expr {
        match self {
            Self::AsItIs => column,
            Self::AsText => Expr::Call { function: Function::Text, args: vec![column] },
        }
    }
}

impl Place<'_> {
    /// Reads text; `quoted` text is never taken for a number where the column leaves it open.
    pub(super) fn text(self, text: &str, quoted: bool) -> Result<Value, Error> {
        if self.is_guessed {
            return Ok(self.unbound(text, quoted));
        }
        if let Some(value) = beyond::read(self.beyond, self.data_type, text) {
            return Ok(value);
        }
        match self.data_type {
            ColumnType::Boolean => boolean(text).ok_or_else(|| self.must_be("boolean")),
            ColumnType::Integer | ColumnType::BigInt => {
                number(text).map(whole).ok_or_else(|| self.must_be("integer"))
            }
            ColumnType::Decimal => number(text).ok_or_else(|| self.must_be("number")),
            ColumnType::Float => narrow(text).ok_or_else(|| self.must_be("number")),
            ColumnType::Double => float(text).ok_or_else(|| self.must_be("number")),
            ColumnType::Binary => {
                STANDARD.decode(text.trim()).map(Value::Bytes).map_err(|_| self.must_be("base64 text"))
            }
            ColumnType::Other | ColumnType::Json | ColumnType::Array | ColumnType::Object if !quoted => {
                Ok(untyped(text))
            }
            ColumnType::Date
            | ColumnType::Time
            | ColumnType::DateTime
            | ColumnType::Timestamp
            | ColumnType::Uuid => self.moment(text),
            _ => Ok(Value::Text(text.to_owned())),
        }
    }

    /// Reads a JSON value, as parameters and bodies have them.
    pub(super) fn json(self, json: &Json) -> Result<Value, Error> {
        match json {
            Json::Null => Ok(Value::Null),
            Json::String(text) => self.text(text, true),
            Json::Bool(value) => match self.data_type {
                _ if self.is_guessed => Ok(Value::Bool(*value)),
                ColumnType::Boolean
                | ColumnType::Other
                | ColumnType::Json
                | ColumnType::Object
                | ColumnType::Array => Ok(Value::Bool(*value)),
                _ => self.text(if *value { "true" } else { "false" }, true),
            },
            // The number's own digits: nothing passes through a double. A plus can only stand in the exponent, where the reader put it.
            Json::Number(digits) => self.text(&digits.to_string().replace('+', ""), false),
            Json::Array(_) | Json::Object(_) => Err(self.must_be("single value")),
        }
    }

    /// Text for a column whose type was guessed: of the kind in which it is written. JSON has only texts for bytes, days, times and uuids,
    /// so where these were seen, a text that spells one is one.
    fn unbound(self, text: &str, quoted: bool) -> Value {
        let value = if quoted { Value::Text(text.to_owned()) } else { untyped(text) };
        if !matches!(value, Value::Text(_)) {
            return value;
        }
        let spelled = match self.data_type {
            ColumnType::Binary => STANDARD.decode(text.trim()).ok().map(Value::Bytes),
            data_type if self.keeps_text => Some(moment::exact(data_type, text)),
            data_type => moment::lenient(data_type, text),
        };
        spelled.unwrap_or(value)
    }

    /// Values of any kind may stand here.
    pub(super) fn is_open(self) -> bool {
        self.is_guessed || is_open(self.data_type)
    }

    fn moment(self, text: &str) -> Result<Value, Error> {
        if self.keeps_text {
            return Ok(moment::exact(self.data_type, text));
        }
        moment::lenient(self.data_type, text).ok_or_else(|| self.must_be(moment::expected(self.data_type)))
    }

    /// Reads a text that is stored. Which days and times there are beside those that can be read is the store's to say; but a zone would be
    /// dropped without a word where a field keeps none.
    pub(super) fn kept(self, text: &str) -> Result<Value, Error> {
        match self.text(text, true) {
            Err(refused) if !moment::is_moment(self.data_type) => Err(refused),
            Err(refused) if self.data_type == ColumnType::DateTime && moment::has_zone(text) => Err(refused),
            Err(_) => Ok(Value::Text(text.to_owned())),
            read => read,
        }
    }

    /// How the field is searched, and the place of what is searched for. Values that have one text in every store are searched as these.
    pub(super) fn searched(self, can: &Capabilities) -> Result<(Self, Searched), Error> {
        use ColumnType::{BigInt, Binary, Boolean, Decimal, Double, Float, Integer};
        use ColumnType::{Date, DateTime, Time, Timestamp, Uuid};
        let searched = match self.data_type {
            Boolean | Binary if !self.is_guessed => None,
            Date | Time | DateTime | Timestamp | Uuid if self.keeps_text => Some(Searched::AsItIs),
            Integer | BigInt | Float | Double | Decimal | Date | Time | DateTime | Timestamp | Uuid => {
                can.filter_expressions.then_some(Searched::AsText)
            }
            _ => Some(Searched::AsItIs),
        };
        let Some(searched) = searched else {
            let message = format!(
                "Field '{}' can't be searched by LIKE, CONTAINS, STARTS WITH or ENDS WITH: it holds no text. Compare it by = < > IN or BETWEEN.",
                self.field
            );
            return Err(Error::invalid(self.parameter, message));
        };
        Ok((Self { data_type: ColumnType::Text, is_guessed: false, ..self }, searched))
    }

    pub(super) fn must_be(self, what: &str) -> Error {
        Error::invalid(self.parameter, format!("Field '{}' must be a valid {what}.", self.field))
    }
}

fn boolean(text: &str) -> Option<Value> {
    let is_one_of = |words: [&str; 6]| words.iter().any(|word| word.eq_ignore_ascii_case(text.trim()));
    if is_one_of(TRUE) {
        return Some(Value::Bool(true));
    }
    is_one_of(FALSE).then_some(Value::Bool(false))
}

/// A whole number where it is one, else an exact decimal.
pub(super) fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    integer(text).or_else(|| decimal(text).map(Value::Decimal))
}

/// As an integer, where nothing but zeros stands behind the point.
fn whole(number: Value) -> Value {
    let Value::Decimal(digits) = &number else { return number };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let has_no_fraction = fraction.bytes().all(|digit| digit == b'0');
    let whole = if has_no_fraction { integer(whole) } else { None };
    whole.unwrap_or(number)
}

fn integer(text: &str) -> Option<Value> {
    text.parse().map(Value::I64).or_else(|_| text.parse().map(Value::U64)).ok()
}

/// The most zeros that are written for an exponent; what has more keeps it.
const MAX_ZEROS: usize = 64;

/// The contract's form of a decimal: digits before and behind the point, no needless zeros in front, an exponent only where the zeros in its
/// place would be too many.
fn decimal(text: &str) -> Option<String> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_exponent = |part: &str| {
        let digits = part.strip_prefix(['+', '-']).unwrap_or(part);
        !digits.is_empty() && is_digits(digits)
    };
    let is_number = is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    if !is_number || !exponent.is_none_or(is_exponent) {
        return None;
    }
    let (whole, fraction, exponent) = shifted(whole, fraction, exponent.unwrap_or("0"));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}{exponent}"))
}

/// Digits before and behind the point moved by an exponent, and what is left of it.
fn shifted(whole: &str, fraction: &str, exponent: &str) -> (String, String, String) {
    let (is_small, size) = exponent.strip_prefix('-').map_or((false, exponent), |size| (true, size));
    let size = size.trim_start_matches(['+', '0']);
    let zeros = if size.is_empty() { Some(0) } else { size.parse().ok().filter(|zeros| *zeros <= MAX_ZEROS) };
    let Some(zeros) = zeros else {
        let sign = if is_small { "-" } else { "" };
        return (whole.to_owned(), fraction.to_owned(), format!("E{sign}{size}"));
    };
    if is_small {
        let digits = format!("{whole:0>zeros$}");
        let (whole, moved) = digits.split_at(digits.len() - zeros);
        return (whole.to_owned(), format!("{moved}{fraction}"), String::new());
    }
    let digits = format!("{fraction:0<zeros$}");
    let (moved, fraction) = digits.split_at(zeros);
    (format!("{whole}{moved}"), fraction.to_owned(), String::new())
}

fn float(text: &str) -> Option<Value> {
    let value: f64 = decimal(text.trim().trim_start_matches('+'))?.parse().ok()?;
    value.is_finite().then_some(Value::F64(value))
}

/// As a column of 32 bits keeps it, so that what is read from one is found in it. What is out of its range still compares with it.
fn narrow(text: &str) -> Option<Value> {
    let wide = float(text)?;
    let value: f32 = decimal(text.trim().trim_start_matches('+'))?.parse().ok()?;
    Some(if value.is_finite() { Value::F32(value) } else { wide })
}

/// Text for a column whose type is open: a number or truth value where it looks like one.
fn untyped(text: &str) -> Value {
    if let Some(number) = number(text) {
        return number;
    }
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::Text(text.to_owned()),
    }
}

/// Values of any kind are of this type.
pub(super) fn is_open(data_type: ColumnType) -> bool {
    use ColumnType::{Array, Json, Object, Other};
    matches!(data_type, Other | Json | Array | Object)
}

/// The number or truth value that JSON writes just so.
pub(super) fn scalar(text: &str) -> Option<Json> {
    let is_bare = text.starts_with(|first: char| first == '-' || first.is_ascii_alphanumeric());
    let read: Option<Json> = serde_json::from_str(text).ok().filter(|_| is_bare && text.trim_end() == text);
    read.filter(|json| json.is_number() || json.is_boolean())
}

#[cfg(test)]
mod tests {
    use connector_api::model::{Date, Timestamp};

    use super::*;

    fn check(data_type: ColumnType, text: &str, expected: Option<Value>) {
        let place = Place {
            field: "f",
            data_type,
            beyond: &[],
            keeps_text: true,
            is_guessed: false,
            parameter: "filter",
        };
        assert_eq!(place.text(text, false).ok(), expected, "{data_type:?} {text}");
    }

    #[test]
    fn text_is_read_by_the_columns_type() {
        let decimal = |text: &str| Some(Value::Decimal(text.to_owned()));
        check(ColumnType::Integer, "-7", Some(Value::I64(-7)));
        check(ColumnType::Integer, "007", Some(Value::I64(7)));
        check(ColumnType::Integer, "60.5", decimal("60.5"));
        check(ColumnType::Integer, "x", None);
        check(ColumnType::Integer, "", None);
        check(ColumnType::BigInt, "9223372036854775807", Some(Value::I64(i64::MAX)));
        check(ColumnType::BigInt, "18446744073709551615", Some(Value::U64(u64::MAX)));
        check(ColumnType::Decimal, "+.5", decimal("0.5"));
        check(ColumnType::Decimal, "-0012.50e-3", decimal("-0.01250"));
        check(
            ColumnType::Decimal,
            "123456789012345678901234567890",
            decimal("123456789012345678901234567890"),
        );
        check(ColumnType::Decimal, "1e5", decimal("100000"));
        check(ColumnType::Decimal, "1.2345E+2", decimal("123.45"));
        check(ColumnType::Decimal, "1e-064", decimal(&format!("0.{}1", "0".repeat(63))));
        check(ColumnType::Decimal, "-1.5e+065", decimal("-1.5E65"));
        check(ColumnType::Decimal, "1e-99999999999999999999", decimal("1E-99999999999999999999"));
        check(ColumnType::Integer, "1e3", Some(Value::I64(1000)));
        check(ColumnType::Integer, "-1.0", Some(Value::I64(-1)));
        check(ColumnType::BigInt, "1844674407370955161.50e1", Some(Value::U64(u64::MAX)));
        check(ColumnType::Integer, "1.5e0", decimal("1.5"));
        check(ColumnType::Decimal, "1.2.3", None);
        check(ColumnType::Decimal, "NaN", None);
        check(ColumnType::Double, "1e3", Some(Value::F64(1000.0)));
        check(ColumnType::Double, "1e999", None);
        check(ColumnType::Float, "0.1", Some(Value::F32(0.1)));
        check(ColumnType::Float, "-1e300", Some(Value::F64(-1e300)));
        check(ColumnType::Float, "1e999", None);
        check(ColumnType::Boolean, "Yes", Some(Value::Bool(true)));
        check(ColumnType::Boolean, "off", Some(Value::Bool(false)));
        check(ColumnType::Boolean, "2", None);
        check(ColumnType::Text, "5", Some(Value::Text("5".to_owned())));
        check(ColumnType::Timestamp, "2013-01-01", Some(Value::Text("2013-01-01".to_owned())));
        check(ColumnType::Date, "1970-01-02", Some(Value::Date(Date(1))));
        check(ColumnType::Date, "1/2/1970", Some(Value::Text("1/2/1970".to_owned())));
        check(ColumnType::Time, "00:00:01", Some(Value::Time(1_000_000_000)));
        check(ColumnType::Time, "00:00:01.50", Some(Value::Text("00:00:01.50".to_owned())));
        let moment = Timestamp { seconds: 1, nanos: 500_000_000 };
        check(ColumnType::DateTime, "1970-01-01 00:00:01.5", Some(Value::Timestamp(moment)));
        check(
            ColumnType::DateTime,
            "1970-01-01T00:00:01",
            Some(Value::Text("1970-01-01T00:00:01".to_owned())),
        );
        check(ColumnType::Binary, "aGk=", Some(Value::Bytes(b"hi".to_vec())));
        check(ColumnType::Binary, "h", None);
        check(ColumnType::Other, "5", Some(Value::I64(5)));
    }

    #[test]
    fn a_filters_text_is_refused_where_its_column_has_no_such_value() {
        use ColumnType::{Date, DateTime, Time, Timestamp, Uuid};
        for (data_type, form) in [
            (Date, "date such as 2024-05-01"),
            (Time, "time such as 12:30:00"),
            (DateTime, "date and time such as 2024-05-01 12:30:00, without a zone"),
            (Timestamp, "point in time such as 2024-05-01T12:30:00Z or 2024-05-01T14:30:00+02:00"),
            (Uuid, "uuid such as 123e4567-e89b-12d3-a456-426614174000"),
        ] {
            let place = Place {
                field: "f",
                data_type,
                beyond: &[],
                keeps_text: false,
                is_guessed: false,
                parameter: "filter",
            };
            let message = format!("Field 'f' must be a valid {form}.");
            assert_eq!(place.text("yesterday", true), Err(Error::invalid("filter", message)));
        }
    }

    #[test]
    fn what_has_one_text_everywhere_is_searched_where_the_service_can_make_it() {
        use ColumnType::*;
        use Searched::{AsItIs, AsText};
        let check = |data_type, keeps_text, searched: Option<Searched>, without: Option<Searched>| {
            let place = Place {
                field: "f",
                data_type,
                beyond: &[],
                keeps_text,
                is_guessed: false,
                parameter: "filter",
            };
            for (filter_expressions, expected) in [(true, searched), (false, without)] {
                let can = Capabilities { filter_expressions, ..Capabilities::default() };
                assert_eq!(place.searched(&can).ok().map(|found| found.1), expected, "{data_type:?}");
            }
        };
        for data_type in [Boolean, Binary] {
            check(data_type, false, None, None);
        }
        for data_type in [Integer, BigInt, Float, Double, Decimal] {
            check(data_type, false, Some(AsText), None);
        }
        for data_type in [Date, Time, DateTime, Timestamp, Uuid] {
            check(data_type, false, Some(AsText), None);
            check(data_type, true, Some(AsItIs), Some(AsItIs));
        }
        for data_type in [String, Text, Json, Other] {
            check(data_type, false, Some(AsItIs), Some(AsItIs));
        }
    }

    #[test]
    fn json_numbers_keep_their_digits() {
        let place = Place {
            field: "f",
            data_type: ColumnType::BigInt,
            beyond: &[],
            keeps_text: false,
            is_guessed: false,
            parameter: "params",
        };
        assert_eq!(
            place.json(&serde_json::json!(9_007_199_254_740_993_i64)),
            Ok(Value::I64(9_007_199_254_740_993))
        );
        assert_eq!(place.json(&Json::Null), Ok(Value::Null));
        assert!(place.json(&serde_json::json!([1])).is_err());
        let text = Place { data_type: ColumnType::Text, ..place };
        let number = serde_json::from_str("1e5").unwrap();
        assert_eq!(text.json(&number), Ok(Value::Text("1e5".to_owned())));
    }
}
