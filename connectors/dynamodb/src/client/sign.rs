//! Signatures of requests, version 4, for the one form of request that this interface has: a POST to `/` without a query.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>

use std::time::{SystemTime, UNIX_EPOCH};

use connector_api::author::{Date, TimeOfDay};
use ring::{digest, hmac};

use super::credentials::Credentials;

const SERVICE: &str = "dynamodb";
pub(super) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// What is signed.
pub(super) struct Unsigned<'a> {
    pub(super) host: &'a str,
    pub(super) region: &'a str,
    pub(super) target: &'a str,
    pub(super) body: &'a [u8],
    pub(super) at: Moment,
}

/// The two forms of a time that a signature has.
pub(super) struct Moment {
    day: String,
    full: String,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self::of(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    }

    fn of(seconds: u64) -> Self {
        let day = Date(i32::try_from(seconds / 86_400).unwrap_or(i32::MAX)).to_string().replace('-', "");
        let nanos = i64::try_from(seconds % 86_400).unwrap_or_default() * 1_000_000_000;
        let time = TimeOfDay(nanos).to_string().replace(':', "");
        Self { full: format!("{day}T{time}Z"), day }
    }
}

/// The headers that a signed request has beside its content type.
pub(super) fn headers(request: &Unsigned<'_>, credentials: &Credentials) -> Vec<(&'static str, String)> {
    let Credentials { key, secret, token } = credentials;
    let mut signed = vec![
        ("content-type", CONTENT_TYPE.to_owned()),
        ("host", request.host.to_owned()),
        ("x-amz-date", request.at.full.clone()),
    ];
    signed.extend(token.as_ref().map(|token| ("x-amz-security-token", token.clone())));
    signed.push(("x-amz-target", request.target.to_owned()));
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!("POST\n/\n\n{lines}\n{names}\n{}", digest(request.body));
    let Moment { day, full } = &request.at;
    let scope = format!("{day}/{}/{SERVICE}/aws4_request", request.region);
    let text = format!("AWS4-HMAC-SHA256\n{full}\n{scope}\n{}", digest(canonical.as_bytes()));
    let signing_key = [day, request.region, SERVICE, "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| code(&key, part));
    let signature = hex(&code(&signing_key, &text));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}");
    signed.retain(|(name, _)| !matches!(*name, "host" | "content-type"));
    signed.push(("authorization", authorization));
    signed
}

fn code(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn digest(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(token: Option<&str>) -> String {
        let credentials = Credentials {
            key: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            token: token.map(str::to_owned),
        };
        let request = Unsigned {
            host: "dynamodb.eu-west-1.amazonaws.com",
            region: "eu-west-1",
            target: "DynamoDB_20120810.ListTables",
            body: br#"{"Limit":100}"#,
            at: Moment::of(1_440_938_160),
        };
        headers(&request, &credentials).pop().unwrap().1
    }

    #[test]
    fn a_moment_has_the_forms_of_a_signature() {
        let Moment { day, full } = Moment::of(1_440_938_160);
        assert_eq!((day.as_str(), full.as_str()), ("20150830", "20150830T123600Z"));
    }

    /// The expected signatures were made by the vendor's own client library for Python, botocore.
    #[test]
    fn signatures_are_those_of_the_vendors_own_client() {
        let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/dynamodb/aws4_request";
        assert_eq!(
            authorization(None),
            format!(
                "{scope}, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=51e0ac4645af3eb01d76ee7ce195542b1db1285163f00108bea3c60786296a1e"
            )
        );
        assert_eq!(
            authorization(Some("session")),
            format!(
                "{scope}, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=12de22cc1786e3cb410afbdcbdbe4b5d8701575d86d075b9cdde31f2ed631f4d"
            )
        );
    }
}
