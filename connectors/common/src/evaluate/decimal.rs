//! Decimal numbers as digits: compared and rounded exactly, whatever their size, without a bound on the exponent.

use std::cmp::Ordering;
use std::fmt;

/// `0.DIGITS × 10^point`, without zeros at either end of the digits; zero has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    is_negative: bool,
    digits: Vec<u8>,
    point: i64,
}

/// Exponents beyond this are written with `E`.
const PLAIN_DIGITS: i64 = 40;

/// Exponents are cut here, far from overflow.
const MAX_EXPONENT: i64 = i64::MAX / 4;

impl Decimal {
    /// Reads `-?digits(.digits)?(E[+-]?digits)?`; anything else is `None`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (is_negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = unsigned.split_once(['E', 'e']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> =
            whole.bytes().chain(fraction.bytes()).map(|byte| byte.wrapping_sub(b'0')).collect();
        if whole.is_empty() || all.iter().any(|digit| *digit > 9) {
            return None;
        }
        let point = i64::try_from(whole.len()).ok()?.saturating_add(read_exponent(exponent)?);
        Some(Self::normal(is_negative, all, point))
    }

    /// The exact value of a finite float: its expansion ends after at most 767 digits.
    pub(super) fn from_f64(float: f64) -> Option<Self> {
        Self::parse(&format!("{float:.766e}"))
    }

    fn normal(is_negative: bool, mut digits: Vec<u8>, point: i64) -> Self {
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        if digits.is_empty() {
            return Self { is_negative: false, digits, point: 0 };
        }
        let point = point.saturating_sub(i64::try_from(leading).unwrap_or(MAX_EXPONENT));
        Self { is_negative, digits, point }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self.sign(), other.sign()) {
            (1, 1) => self.compare_size(other),
            (-1, -1) => other.compare_size(self),
            (own, others) => own.cmp(&others),
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits))
    }

    /// Rounded to so many places behind the point, or before it when negative; halves away from zero.
    pub(super) fn round(mut self, places: i64) -> Self {
        let Ok(keep) = usize::try_from(self.point.saturating_add(places)) else {
            return Self::normal(false, Vec::new(), 0);
        };
        let is_up = self.digits.get(keep).is_some_and(|digit| *digit >= 5);
        self.digits.truncate(keep);
        if !is_up {
            return Self::normal(self.is_negative, self.digits, self.point);
        }
        for digit in self.digits.iter_mut().rev() {
            *digit += 1;
            if *digit < 10 {
                return Self::normal(self.is_negative, self.digits, self.point);
            }
            *digit = 0;
        }
        // Every digit was a nine, or none is left: one digit more.
        Self::normal(self.is_negative, vec![1], self.point.saturating_add(1))
    }

    /// As a whole number divided by ten to the power of a scale; `None` beyond 38 digits.
    pub(super) fn scaled(&self) -> Option<(i128, u32)> {
        let size = self
            .digits
            .iter()
            .try_fold(0_i128, |size, digit| size.checked_mul(10)?.checked_add(i128::from(*digit)))?;
        let size = if self.is_negative { -size } else { size };
        let scale = i64::try_from(self.digits.len()).ok()?.checked_sub(self.point)?;
        match u32::try_from(scale) {
            Ok(scale) => Some((size, scale)),
            Err(_) => {
                let power = 10_i128.checked_pow(u32::try_from(scale.checked_neg()?).ok()?)?;
                Some((size.checked_mul(power)?, 0))
            }
        }
    }

    /// The opposite of [`Decimal::scaled`].
    pub(super) fn from_scaled(size: i128, scale: u32) -> Self {
        let digits: Vec<u8> = size.unsigned_abs().to_string().bytes().map(|byte| byte - b'0').collect();
        let point = i64::try_from(digits.len()).unwrap_or(MAX_EXPONENT) - i64::from(scale);
        Self::normal(size < 0, digits, point)
    }

    /// Without its sign.
    pub(super) fn absolute(self) -> Self {
        Self { is_negative: false, ..self }
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(MAX_EXPONENT).min(MAX_EXPONENT);
    Some(if text.starts_with('-') { -size } else { size })
}

/// Plain notation, or with `E` where that would be long.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: String = self.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        if self.is_negative {
            f.write_str("-")?;
        }
        let Some(first) = digits.get(..1) else { return f.write_str("0") };
        if self.point.abs() > PLAIN_DIGITS {
            let rest = digits.get(1..).unwrap_or_default();
            let point = if rest.is_empty() { "" } else { "." };
            return write!(f, "{first}{point}{rest}E{:+}", self.point - 1);
        }
        match usize::try_from(self.point) {
            Ok(point) if point > 0 => match digits.split_at_checked(point) {
                Some((whole, "")) => f.write_str(whole),
                Some((whole, fraction)) => write!(f, "{whole}.{fraction}"),
                None => write!(f, "{digits:0<point$}"),
            },
            _ => {
                let zeros = usize::try_from(self.point.unsigned_abs()).unwrap_or_default();
                write!(f, "0.{:0<zeros$}{digits}", "")
            }
        }
    }
}
