//! Values of the configuration that are written as text with a meaning of its own: times and sizes with units,
//! addresses, digests, the log level. Each refuses what it can't mean; nothing here knows a key or a file.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;

use super::edge::{HeaderChoice, PageOrigin};

/// The words of a schema's `format` that this room checks.
pub(crate) const TIME_FORMAT: &str = "time-with-unit";
pub(crate) const AGE_FORMAT: &str = "age-with-unit";
pub(crate) const SIZE_FORMAT: &str = "size-with-unit";
pub(crate) const ADDRESS_FORMAT: &str = "socket-address";
pub(crate) const NETWORK_FORMAT: &str = "network";
pub(crate) const ORIGIN_FORMAT: &str = "page-origin";
pub(crate) const HEADER_FORMAT: &str = "header-name";
pub(crate) const COLLECTOR_FORMAT: &str = "collector";
pub(crate) const DIGEST_FORMAT: &str = "sha256";
pub(crate) const LOG_FORMAT: &str = "log-level";

/// Checks `text` against a schema's `format`; a format that this room does not know accepts everything.
///
/// # Errors
/// What was expected, as a message without a subject.
pub(crate) fn check_format(format: &str, text: &str) -> Result<(), String> {
    match format {
        TIME_FORMAT => text.parse::<Timeout>().map(drop),
        AGE_FORMAT => text.parse::<Age>().map(drop),
        SIZE_FORMAT => text.parse::<ByteSize>().map(drop),
        NETWORK_FORMAT => text.parse::<Network>().map(drop),
        DIGEST_FORMAT => text.parse::<Sha256Digest>().map(drop),
        LOG_FORMAT => text.parse::<LogLevel>().map(drop),
        ADDRESS_FORMAT => text.parse::<SocketAddr>().map(drop).map_err(|_| {
            "must be an address and a port, for example \"127.0.0.1:8080\" or \"[::]:8080\"".to_owned()
        }),
        ORIGIN_FORMAT => text.parse::<PageOrigin>().map(drop),
        HEADER_FORMAT if !HeaderChoice::is(text) => {
            Err("must be the name of a header, or \"*\" for each".to_owned())
        }
        COLLECTOR_FORMAT if !is_collector(text) => {
            Err("must be an address like \"http://127.0.0.1:4318\"; a collector beside the gateway can pass traces on with TLS"
                .to_owned())
        }
        _ => Ok(()),
    }
}

fn is_collector(text: &str) -> bool {
    let is_plain = |uri: axum::http::Uri| {
        uri.scheme_str() == Some("http")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.path() == "/"
    };
    text.parse().is_ok_and(is_plain)
}

/// What to write instead of a bare number, for the formats that carry a unit.
pub(crate) fn unit_wanted(format: &str) -> Option<&'static str> {
    match format {
        TIME_FORMAT | AGE_FORMAT => Some("a time with a unit, for example \"30s\", \"500ms\" or \"5m\""),
        SIZE_FORMAT => Some("a size with a unit, for example \"64MiB\", \"10MB\" or \"512KiB\""),
        _ => None,
    }
}

/// A time limit: a whole number with a unit (`ms`, `s`, `m`, `h`), never zero.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = TIME_FORMAT))]
pub struct Timeout(Duration);

const TIME_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Timeout {
    /// A limit of so many seconds; zero becomes one millisecond, the shortest limit there is.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        if seconds == 0 { Self(Duration::from_millis(1)) } else { Self(Duration::from_secs(seconds)) }
    }

    /// The limit as a duration, at least one millisecond.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let milliseconds = parse_quantity(text, &TIME_UNITS, TIME_FORMAT)?;
        if milliseconds == 0 {
            return Err("must not be zero: a request that may wait for ever ties up the gateway".to_owned());
        }
        Ok(Self(Duration::from_millis(milliseconds)))
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_time(f, self.0)
    }
}

/// How long others may remember something: as a [`Timeout`], and zero, which has them forget it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = AGE_FORMAT))]
pub struct Age(Duration);

impl Age {
    /// Whole seconds, a part of one counted as one.
    #[must_use]
    pub const fn seconds(self) -> u128 {
        self.0.as_millis().div_ceil(1000)
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_quantity(text, &TIME_UNITS, AGE_FORMAT)
            .map(|milliseconds| Self(Duration::from_millis(milliseconds)))
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_time(f, self.0)
    }
}

/// A size in bytes: a whole number with a unit (`B`, `KB`, `MB`, `GB` of 1000, `KiB`, `MiB`, `GiB` of 1024), never zero.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = SIZE_FORMAT))]
pub struct ByteSize(u64);

const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

impl ByteSize {
    /// A size of so many MiB.
    #[must_use]
    pub const fn from_mebibytes(mebibytes: u32) -> Self {
        // A widening conversion; `From` is not const.
        Self((mebibytes as u64) << 20)
    }

    /// A size of so many KiB.
    #[must_use]
    pub const fn from_kibibytes(kibibytes: u32) -> Self {
        Self((kibibytes as u64) << 10)
    }

    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_quantity(text, &SIZE_UNITS, SIZE_FORMAT)? {
            0 => Err("must not be zero".to_owned()),
            bytes => Ok(Self(bytes)),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quantity(f, self.0, &SIZE_UNITS)
    }
}

fn parse_quantity(text: &str, units: &[(&str, u64)], format: &str) -> Result<u64, String> {
    let wanted = unit_wanted(format).unwrap_or_default();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits).unwrap_or_default();
    let unit = unit.trim();
    if number.is_empty() {
        return Err(format!("must be {wanted}"));
    }
    if unit.is_empty() {
        return Err(format!("has no unit; write {wanted}"));
    }
    let known = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    let (_, factor) = known.ok_or_else(|| format!("has an unknown unit; write {wanted}"))?;
    let number: Option<u64> = number.parse().ok();
    number.and_then(|number| number.checked_mul(*factor)).ok_or_else(|| "is too large".to_owned())
}

fn write_time(f: &mut fmt::Formatter<'_>, time: Duration) -> fmt::Result {
    write_quantity(f, u64::try_from(time.as_millis()).unwrap_or(u64::MAX), &TIME_UNITS)
}

fn write_quantity(f: &mut fmt::Formatter<'_>, amount: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fitting = units.iter().find(|(_, factor)| amount.is_multiple_of(*factor));
    let (unit, factor) = fitting.copied().unwrap_or(("", 1));
    write!(f, "{}{unit}", amount / factor)
}

/// One address, or all of a network in the notation of CIDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = NETWORK_FORMAT))]
pub struct Network(IpNet);

impl Network {
    /// Whether this address is one of them.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = text.parse().or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address)));
        network.map(Self).map_err(|_| {
            "must be an address or a network, for example \"10.0.0.1\" or \"10.0.0.0/8\"".to_owned()
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The SHA-256 of a library file: 64 hexadecimal digits.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = DIGEST_FORMAT))]
pub struct Sha256Digest(pub [u8; 32]);

impl FromStr for Sha256Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be a SHA-256 of 64 hexadecimal digits, as `sha256sum` prints it".to_owned();
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            let digits = text.get(at..at + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The log level: one of `off`, `error`, `warn`, `info`, `debug`, `trace`, and after it any number of
/// `target=level` for single rooms, separated by commas.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = LOG_FORMAT))]
pub struct LogLevel {
    /// The level of every target that has none of its own.
    pub general: LevelFilter,
    /// Levels of single targets (module paths such as `tablegate::http`), in the order written.
    pub targets: Vec<(String, LevelFilter)>,
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

fn parse_level(word: &str) -> Result<LevelFilter, String> {
    // `LevelFilter` also reads numbers and the empty word, which would hide a slip.
    if LEVELS.contains(&word) {
        return word.parse().map_err(|_| format!("can't use the level `{word}`"));
    }
    let hint = super::nearest::did_you_mean(word, LEVELS).map(|hint| format!("; {hint}")).unwrap_or_default();
    Err(format!(
        "must be one of {}, and may go on with `,target=level`{hint}",
        super::nearest::listed(LEVELS)
    ))
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let general = parse_level(parts.next().unwrap_or_default())?;
        let targets = parts.map(|part| match part.split_once('=') {
            Some((target, level)) if !target.trim().is_empty() => {
                Ok((target.trim().to_owned(), parse_level(level.trim())?))
            }
            _ => Err("must be a level and then `target=level` items, separated by commas".to_owned()),
        });
        Ok(Self { general, targets: targets.collect::<Result<_, String>>()? })
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.general)?;
        self.targets.iter().try_for_each(|(target, level)| write!(f, ",{target}={level}"))
    }
}

/// Text in both directions for serde, from `FromStr` and `Display`.
macro_rules! as_text {
    ($($type:ty),*) => { $(
        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )* };
}

as_text!(Timeout, Age, ByteSize, Network, Sha256Digest, LogLevel, PageOrigin);

#[cfg(test)]
#[path = "quantity_tests.rs"]
mod tests;
