//! Tests of values with a meaning of their own.

use super::*;

#[track_caller]
fn check<T>(text: &str, expected: Result<&str, &str>)
where
    T: FromStr<Err = String> + fmt::Display,
{
    let actual = text.parse::<T>().map(|value| value.to_string());
    match (actual, expected) {
        (Ok(actual), Ok(expected)) => assert_eq!(actual, expected),
        (Err(actual), Err(expected)) => assert!(actual.starts_with(expected), "{actual}"),
        (actual, expected) => panic!("{text}: {actual:?} instead of {expected:?}"),
    }
}

#[test]
fn times_carry_a_unit_and_are_not_zero() {
    check::<Timeout>("30s", Ok("30s"));
    check::<Timeout>("500 ms", Ok("500ms"));
    check::<Timeout>("90s", Ok("90s"));
    check::<Timeout>("120s", Ok("2m"));
    check::<Timeout>("30", Err("has no unit; write a time with a unit"));
    check::<Timeout>("30x", Err("has an unknown unit"));
    check::<Timeout>("0s", Err("must not be zero"));
    check::<Timeout>("-1s", Err("must be a time with a unit"));
    check::<Timeout>("", Err("must be a time with a unit"));
    check::<Timeout>("99999999999999999999h", Err("is too large"));
    check::<Timeout>("9999999999999999999h", Err("is too large"));
    check::<Timeout>("1.5s", Err("has an unknown unit"));
}

#[test]
fn an_age_may_be_zero_and_is_told_in_whole_seconds() {
    check::<Age>("8760h", Ok("8760h"));
    check::<Age>("0s", Ok("0h"));
    check::<Age>("0", Err("has no unit; write a time with a unit"));
    for (text, seconds) in [("2h", 7200), ("1ms", 1), ("1500ms", 2), ("0s", 0)] {
        assert_eq!(text.parse::<Age>().map(Age::seconds), Ok(seconds), "{text}");
    }
}

#[test]
fn sizes_carry_a_unit_of_1000_or_1024() {
    assert_eq!("64MiB".parse::<ByteSize>().map(ByteSize::bytes), Ok(64 << 20));
    assert_eq!("10MB".parse::<ByteSize>().map(ByteSize::bytes), Ok(10_000_000));
    assert_eq!("512KiB".parse::<ByteSize>().map(ByteSize::bytes), Ok(512 << 10));
    assert_eq!("3b".parse::<ByteSize>().map(ByteSize::bytes), Ok(3));
    check::<ByteSize>("1024KiB", Ok("1MiB"));
    check::<ByteSize>("64", Err("has no unit; write a size with a unit"));
    check::<ByteSize>("0B", Err("must not be zero"));
    check::<ByteSize>("é", Err("must be a size with a unit"));
}

#[test]
fn digests_are_64_hexadecimal_digits() {
    let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    check::<Sha256Digest>(text, Ok(text));
    check::<Sha256Digest>(&text.to_uppercase(), Ok(text));
    check::<Sha256Digest>("e3b0", Err("must be a SHA-256"));
    check::<Sha256Digest>(&text.replace('e', "+"), Err("must be a SHA-256"));
    check::<Sha256Digest>(&"é".repeat(32), Err("must be a SHA-256"));
}

#[test]
fn a_level_is_a_word_and_may_name_targets() {
    check::<LogLevel>("info", Ok("info"));
    check::<LogLevel>("warn, tablegate::http=debug,other=off", Ok("warn,tablegate::http=debug,other=off"));
    check::<LogLevel>("inof", Err("must be one of `off`, `error`, `warn`, `info`, `debug` and `trace`"));
    check::<LogLevel>("info,tablegate::http", Err("must be a level and then `target=level`"));
    check::<LogLevel>("info,=debug", Err("must be a level and then `target=level`"));
    check::<LogLevel>("", Err("must be one of"));
    check::<LogLevel>("3", Err("must be one of"));
}

#[test]
fn a_network_is_an_address_or_a_range_of_them() {
    check::<Network>("10.0.0.0/8", Ok("10.0.0.0/8"));
    check::<Network>("192.0.2.1", Ok("192.0.2.1/32"));
    check::<Network>("2001:db8::/32", Ok("2001:db8::/32"));
    check::<Network>("::1", Ok("::1/128"));
    for wrong in ["", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.1:80"] {
        check::<Network>(wrong, Err("must be an address or a network"));
    }
    let network: Network = "10.0.0.0/8".parse().unwrap();
    let holds = |address: &str| network.holds(address.parse().unwrap());
    assert!(holds("10.255.0.1") && !holds("11.0.0.1") && !holds("::1"));
}
