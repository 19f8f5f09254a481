//! `numeric` as the server sends it: groups of four decimal digits, with a weight and the number of digits behind the point.

/// Writes all digits as plain text. `None`: it is no number (or its bytes are none of a numeric).
pub(super) fn write_digits(to: &mut String, bytes: &[u8]) -> Option<()> {
    const NEGATIVE: u16 = 0x4000;
    let mut words = bytes.chunks_exact(2).map(|pair| <[u8; 2]>::try_from(pair).map_or(0, u16::from_be_bytes));
    let (count, weight, sign, scale) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if sign > NEGATIVE || usize::from(count) * 2 + 8 != bytes.len() {
        return None;
    }
    if sign == NEGATIVE {
        to.push('-');
    }
    // How many groups stand before the point; a negative weight says that there are zeros behind it.
    let before = i32::from(weight.cast_signed()) + 1;
    let mut groups = words;
    if before <= 0 {
        to.push('0');
    }
    for place in 0..before {
        let group = groups.next().unwrap_or(0);
        push_group(to, group, place > 0);
    }
    if scale == 0 {
        return Some(());
    }
    to.push('.');
    let start = to.len();
    for _ in before..0 {
        to.push_str("0000");
    }
    for group in groups {
        push_group(to, group, true);
    }
    let digits = start + usize::from(scale);
    while to.len() < digits {
        to.push('0');
    }
    to.truncate(digits);
    Some(())
}

fn push_group(to: &mut String, group: u16, is_padded: bool) {
    let mut is_begun = is_padded;
    for power in [1000, 100, 10, 1] {
        let digit = group / power % 10;
        is_begun |= digit != 0 || power == 1;
        if is_begun {
            to.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The words that the server sends for plain digits: groups of four on both sides of the point, without those that are zero at the ends.
    fn words(digits: &str) -> Vec<u16> {
        let unsigned = digits.strip_prefix('-').unwrap_or(digits);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let before = whole.len().div_ceil(4);
        let padded = format!("{whole:0>width$}{fraction}", width = before * 4);
        let padded = format!("{padded:0<width$}", width = padded.len().div_ceil(4) * 4);
        let groups: Vec<u16> = padded
            .as_bytes()
            .chunks(4)
            .map(|group| std::str::from_utf8(group).unwrap().parse().unwrap())
            .collect();
        let leading = groups.iter().take_while(|group| **group == 0).count();
        let used = groups.iter().rposition(|group| *group != 0).map_or(leading, |last| last + 1);
        let weight = i16::try_from(before).unwrap() - 1 - i16::try_from(leading).unwrap();
        let sign = if digits.starts_with('-') { 0x4000 } else { 0 };
        let count = u16::try_from(used - leading).unwrap();
        let mut words = vec![count, weight.cast_unsigned(), sign, u16::try_from(fraction.len()).unwrap()];
        words.extend(&groups[leading..used]);
        words
    }

    proptest! {
        #[test]
        fn every_digit_is_read_whatever_their_number(digits in "-?(0|[1-9][0-9]{0,60})(\\.[0-9]{1,60})?") {
            prop_assert_eq!(read(&words(&digits)), Some(digits));
        }
    }

    fn read(words: &[u16]) -> Option<String> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let mut text = String::new();
        write_digits(&mut text, &bytes).map(|()| text)
    }

    #[test]
    fn groups_are_read_as_digits() {
        const NEGATIVE: u16 = 0x4000;
        let below = |weight: i16| weight.cast_unsigned();
        for (words, expected) in [
            (&[0, 0, 0, 0][..], "0"),
            (&[0, 0, 0, 2], "0.00"),
            (&[1, 0, 0, 0, 7], "7"),
            (&[2, 0, NEGATIVE, 2, 12, 5000], "-12.50"),
            (&[1, 1, 0, 0, 1], "10000"),
            (&[3, 2, 0, 0, 1, 23, 4567], "100234567"),
            (&[1, below(-1), 0, 3, 1230], "0.123"),
            (&[1, below(-2), NEGATIVE, 10, 100], "-0.0000010000"),
            (&[2, 0, 0, 1, 1, 9000], "1.9"),
        ] {
            assert_eq!(read(words).as_deref(), Some(expected), "{words:?}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_digits() {
        for words in [&[0, 0, 0xc000, 0][..], &[0, 0, 0xd000, 0], &[2, 0, 0, 0, 7], &[]] {
            assert_eq!(read(words), None);
        }
    }
}
