//! Who asks: the address of a client, behind proxies that are trusted to tell it. Decides nothing.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;

use crate::settings::Network;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of a client, as an extension of each of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client(pub(crate) IpAddr);

/// What came in the clear where TLS is spoken, as an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Misdirected;

impl Client {
    /// Who asks, by the other end of the connection and what a trusted proxy says of it. A proxy sends one of the two headers and lets the
    /// other one pass, so where both are there and differ, a client may have written one: then neither is believed.
    pub(super) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let peer = peer.to_canonical();
        if !is_trusted(peer, trusted) {
            return Self(peer);
        }
        let old = texts(headers, X_FORWARDED_FOR).flat_map(|text| text.split(','));
        let old = farthest(peer, old.collect(), trusted);
        let new = texts(headers, FORWARDED.as_str()).flat_map(|text| text.split(',')).map(named);
        let new = farthest(peer, new.collect(), trusted);
        match (old, new) {
            (Some(address), None) | (None, Some(address)) => Self(address),
            (Some(old), Some(new)) if old == new => Self(old),
            _ => Self(peer),
        }
    }
}

/// Whether what comes from this address is believed.
pub(super) fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.holds(address.to_canonical()))
}

/// The values of a header in their order; one that is no text names nobody.
fn texts<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default())
}

/// What an element of `Forwarded` says of whom it is for.
fn named(element: &str) -> &str {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"));
    found.map_or("", |(_, value)| value.trim_matches('"'))
}

/// The nearest of these hops that is no trusted proxy, the last being the nearest; `None`: there are none. Nothing beyond a hop without a
/// readable address is believed.
fn farthest(peer: IpAddr, hops: Vec<&str>, trusted: &[Network]) -> Option<IpAddr> {
    let mut known = (!hops.is_empty()).then_some(peer)?;
    for hop in hops.into_iter().rev() {
        let Some(address) = parsed(hop.trim()) else { break };
        known = address;
        if !is_trusted(known, trusted) {
            break;
        }
    }
    Some(known)
}

/// An address, with or without a port.
fn parsed(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    bare.parse().or_else(|_| with_port()).ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `headers` as lines; proxies are those of 10.0.0.0/8 and ::1.
    fn check(peer: &str, headers: &[&str], client: &str) {
        let trusted = ["10.0.0.0/8", "::1"].map(|network| network.parse().unwrap());
        let mut map = HeaderMap::new();
        for line in headers {
            let (name, value) = line.split_once(": ").unwrap();
            map.append(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let found = Client::of(peer.parse().unwrap(), &map, &trusted);
        assert_eq!(found, Client(client.parse().unwrap()), "{peer} {headers:?}");
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        check("192.0.2.1", &["X-Forwarded-For: 198.51.100.7"], "192.0.2.1");
        check("192.0.2.1", &["Forwarded: for=198.51.100.7"], "192.0.2.1");
        check("10.0.0.1", &["X-Forwarded-For: 198.51.100.7"], "198.51.100.7");
        check("::ffff:10.0.0.1", &["X-Forwarded-For: 198.51.100.7"], "198.51.100.7");
        check("::1", &["Forwarded: for=198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn the_rightmost_hop_that_is_no_proxy_counts() {
        let forged = "203.0.113.9, 198.51.100.7";
        check("10.0.0.1", &[&format!("X-Forwarded-For: {forged}, 10.1.1.1")], "198.51.100.7");
        check(
            "10.0.0.1",
            &[&format!("X-Forwarded-For: {forged}"), "X-Forwarded-For: 10.1.1.1"],
            "198.51.100.7",
        );
        check(
            "10.0.0.1",
            &["Forwarded: for=203.0.113.9, FOR=198.51.100.7;proto=https, for=10.1.1.1"],
            "198.51.100.7",
        );
        check("10.0.0.1", &["X-Forwarded-For: 10.2.2.2, 10.1.1.1"], "10.2.2.2");
    }

    #[test]
    fn addresses_may_have_ports_and_brackets() {
        check("10.0.0.1", &["X-Forwarded-For: 198.51.100.7:4711"], "198.51.100.7");
        check("10.0.0.1", &["X-Forwarded-For: 2001:db8::1"], "2001:db8::1");
        check("10.0.0.1", &["Forwarded: for=\"[2001:db8::1]:4711\""], "2001:db8::1");
        check("10.0.0.1", &["Forwarded: for=\"[2001:db8::1]\";by=10.0.0.1"], "2001:db8::1");
    }

    #[test]
    fn beyond_what_is_no_address_nothing_is_believed() {
        check("10.0.0.1", &["X-Forwarded-For: 198.51.100.7, unknown, 10.1.1.1"], "10.1.1.1");
        check("10.0.0.1", &["Forwarded: for=_hidden"], "10.0.0.1");
        check("10.0.0.1", &["Forwarded: proto=https"], "10.0.0.1");
        check("10.0.0.1", &["X-Forwarded-For: "], "10.0.0.1");
    }

    #[test]
    fn two_headers_that_differ_are_not_believed() {
        let old = "X-Forwarded-For: 198.51.100.7";
        check("10.0.0.1", &[old, "Forwarded: for=198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &[old, "Forwarded: for=203.0.113.9"], "10.0.0.1");
    }
}
