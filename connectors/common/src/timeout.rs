//! A duration in a configuration, as a person writes it: milliseconds, or a text with a unit.

use std::borrow::Cow;
use std::time::Duration;

use connector_api::author::{Error, ErrorKind, Result as Outcome};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A number of milliseconds, or a number with `ms`, `s` or `m`; at most an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "NumberOrText", into = "String")]
pub struct Timeout(pub Duration);

impl Timeout {
    /// So many seconds, for defaults.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

/// Refuses limits within which nothing could ever be done, each with its key.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] that names the first one of 0.
pub fn more_than_zero(limits: &[(&str, Timeout)]) -> Outcome<()> {
    match limits.iter().find(|(_, limit)| limit.0.is_zero()) {
        Some((key, _)) => {
            let message = format!("'{key}' must be more than 0, or nothing is ever done in time");
            Err(Error::new(ErrorKind::InvalidRequest, message))
        }
        None => Ok(()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum NumberOrText {
    Number(u32),
    Text(String),
}

impl JsonSchema for Timeout {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timeout".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        NumberOrText::json_schema(generator)
    }
}

/// The form in which a default is shown.
impl From<Timeout> for String {
    fn from(Timeout(duration): Timeout) -> Self {
        if duration.subsec_millis() == 0 {
            format!("{}s", duration.as_secs())
        } else {
            format!("{}ms", duration.as_millis())
        }
    }
}

impl TryFrom<NumberOrText> for Timeout {
    type Error = &'static str;

    fn try_from(value: NumberOrText) -> Result<Self, Self::Error> {
        const EXPECTED: &str =
            "expected milliseconds or a text like \"500ms\", \"5s\" or \"1m\", at most an hour";
        let milliseconds = match value {
            NumberOrText::Number(number) => Some(u64::from(number)),
            NumberOrText::Text(text) => milliseconds(&text),
        };
        let within = milliseconds.filter(|milliseconds| *milliseconds <= 3_600_000).ok_or(EXPECTED)?;
        Ok(Self(Duration::from_millis(within)))
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_longer_than_nothing() {
        let limits = |seconds| {
            [("connect_timeout", Timeout::seconds(5)), ("session_timeout", Timeout::seconds(seconds))]
        };
        assert_eq!(more_than_zero(&limits(1)), Ok(()));
        assert!(
            more_than_zero(&limits(0)).is_err_and(|error| error.message.starts_with("'session_timeout'"))
        );
    }

    #[test]
    fn a_timeout_is_milliseconds_or_has_a_unit_and_is_shown_with_one() {
        for (number, text, milliseconds, shown) in [
            (Some(250), None, 250, "250ms"),
            (Some(0), None, 0, "0s"),
            (None, Some("500ms"), 500, "500ms"),
            (None, Some("5s"), 5000, "5s"),
            (None, Some(" 1 m"), 60_000, "60s"),
        ] {
            let written =
                number.map(NumberOrText::Number).or(text.map(|text| NumberOrText::Text(text.into())));
            let timeout = Timeout::try_from(written.unwrap()).unwrap();
            assert_eq!(timeout, Timeout(Duration::from_millis(milliseconds)));
            assert_eq!(String::from(timeout), shown);
        }
        for wrong in ["5", "2h", "61m", "s", "99999999999999999999s"] {
            assert!(Timeout::try_from(NumberOrText::Text(wrong.to_owned())).is_err(), "{wrong}");
        }
    }
}
