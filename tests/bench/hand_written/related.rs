//! Flights, each with its airline and its airport: which columns are read, and how rows of three tables become one list.

use std::collections::{BTreeSet, HashMap};

use super::{COLUMNS, List};

/// The columns of an airline; the first is its key.
pub(super) const AIRLINE: [&str; 2] = ["carrier", "name"];
/// The columns of an airport; the first is its key.
pub(super) const AIRPORT: [&str; 8] = ["faa", "name", "lat", "lon", "alt", "tz", "dst", "tzone"];
/// How many flights are asked for.
pub(super) const FLIGHTS: u32 = 25;
/// Between these keys flights of an airline are looked for. Without them MariaDB joins and sorts all of its flights.
pub(super) const ABOVE: i32 = 300_000;
pub(super) const BELOW: i32 = 302_000;
/// An airline with flights.
pub(super) const NAME: &str = "JetBlue Airways";

/// A flight, and what it refers to.
pub(super) struct Flight {
    pub(super) json: Vec<u8>,
    pub(super) carrier: String,
    pub(super) origin: String,
}

/// Rows as JSON, by their keys.
pub(super) type ByKey = HashMap<String, Vec<u8>>;

/// The place of a column of a flight.
pub(super) fn place(name: &str) -> usize {
    COLUMNS.iter().position(|column| *column == name).unwrap_or_default()
}

/// Each text once.
pub(super) fn distinct(flights: &[Flight], of: fn(&Flight) -> &String) -> Vec<&str> {
    flights.iter().map(|flight| of(flight).as_str()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// As many placeholders as there are keys.
pub(super) fn placeholders(keys: &[&str]) -> String {
    vec!["?"; keys.len()].join(", ")
}

/// The flights as a list, each with the rows that it refers to.
pub(super) fn joined(flights: &[Flight], airlines: &ByKey, airports: &ByKey) -> Vec<u8> {
    let mut list = List::new(16 * 1024);
    for Flight { json, carrier, origin } in flights {
        let row = list.row();
        row.extend_from_slice(json.strip_suffix(b"}").unwrap_or(json));
        let members =
            [("airlines_by_carrier", airlines.get(carrier)), ("airports_by_origin", airports.get(origin))];
        for (name, related) in members {
            row.extend_from_slice(format!(",\"{name}\":").as_bytes());
            row.extend_from_slice(related.map_or(b"null", Vec::as_slice));
        }
        row.push(b'}');
    }
    list.end()
}
