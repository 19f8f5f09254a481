//! The suite judged by itself, without a store: nothing is left out, nothing is named wrongly.

use std::collections::BTreeSet;
use std::path::Path;

use connector_api::model::Capabilities;

use super::capability::tested_flags;
use super::fixture::{Facts, Feature, Fixture};
use super::quirks::Quirks;
use super::report::{Report, table};
use super::*;

/// Routines and schema changes: no connector has them yet, so no case relies on them. A connector that declares one fails the case
/// `capability::whatever_is_declared_is_tested` until it is struck off here and has cases.
const WITHOUT_CASES: [&str; 2] = ["routines", "schema_changes"];

const FEATURES: [Feature; 8] = [
    Feature::DeclaredColumns,
    Feature::GuessedColumns,
    Feature::Views,
    Feature::UniqueKeys,
    Feature::ForeignKeys,
    Feature::GeneratedKeys,
    Feature::Defaults,
    Feature::OpenTables,
];

fn needs() -> BTreeSet<&'static str> {
    tested_flags().into_iter().collect()
}

#[test]
fn every_capability_has_a_case_and_a_refusal() {
    let refused: BTreeSet<_> = cases()
        .iter()
        .filter_map(|case| match case.applies {
            Applies::Undeclared(flag) => Some(flag),
            Applies::Declared(_) => None,
        })
        .collect();
    for flag in Capabilities::FLAGS {
        assert!(refused.contains(flag), "no refusal of {flag}");
        let is_excepted = WITHOUT_CASES.contains(flag);
        assert_ne!(needs().contains(flag), is_excepted, "{flag} has no case, or need not be excepted");
    }
    for limit in Capabilities::LIMITS {
        let is_tested = needs().contains(format!("limit.{limit}").as_str());
        assert_ne!(is_tested, WITHOUT_CASES.contains(limit), "limit {limit}");
    }
}

#[test]
fn a_case_needs_only_what_exists() {
    let features: Vec<_> = FEATURES.iter().map(|feature| feature.need()).collect();
    let limits: Vec<_> = Capabilities::LIMITS.iter().map(|limit| format!("limit.{limit}")).collect();
    for need in needs() {
        let is_known = Capabilities::FLAGS.contains(&need)
            || features.contains(&need)
            || limits.contains(&need.to_owned());
        assert!(is_known, "{need}");
    }
}

#[test]
fn names_of_cases_are_unique_and_state_their_operation() {
    let names: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    let different: BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len());
    assert!(names.iter().all(|name| name.split("::").count() == 2), "{names:?}");
}

#[test]
fn the_fixtures_are_those_of_the_connectors() {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let fixtures = Fixture::discover(&clone.join("tests/fixtures")).unwrap();
    let tested: BTreeSet<_> = fixtures.iter().map(|fixture| fixture.facts.connector.clone()).collect();
    let connectors: BTreeSet<_> = std::fs::read_dir(clone.join("connectors"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !["common", "sql-common", "chaos"].contains(&name.as_str()))
        .collect();
    assert_eq!(tested, connectors);
}

#[test]
fn a_quirk_without_a_manual_is_refused() {
    let quirks = |manual: &str| -> Quirks {
        toml::from_str(&format!("[[choice]]\nname = \"like_minds_case\"\nmanual = \"{manual}\"")).unwrap()
    };
    assert!(quirks("https://example.com/manual").check().is_ok());
    assert!(quirks("because").check().is_err());
    assert!(toml::from_str::<Quirks>("[[choice]]\nname = \"likes_cats\"\nmanual = \"https://a\"").is_err());
    assert!(toml::from_str::<Quirks>("[[deviation]]\ncase = \"a\"\nbecause = \"b\"").is_err());
}

#[test]
fn a_store_gets_only_what_it_has() {
    let facts = "connector = \"a\"\nservice_type = \"a\"\nversions = []\ntypes = TYPES\nrandom_filters = 1";
    let facts = |types: &str| toml::from_str::<Facts>(&facts.replace("TYPES", types));
    assert!(facts("[\"integer\", \"bigint\"]").is_err());
    let tables = tables::tables(&facts("[\"integer\", \"text\"]").unwrap());
    assert!(tables.iter().all(|stored| stored.name() != tables::ITEM_VIEW));
    let typed = tables.iter().find(|stored| stored.name() == tables::TYPED).unwrap();
    assert_eq!(typed.columns(), ["id", "integer", "text"]);
    assert!(typed.rows.iter().all(|row| row.len() == 3));
    assert!(tables.iter().all(|stored| stored.table.foreign_keys.is_empty()));
}

#[test]
fn the_table_at_the_end_lines_up() {
    let report = Report { passed: 100, refused: 9, deviating: 0, failed: 1 };
    let table = table(&[("store".to_owned(), "1.2".to_owned(), report)]);
    assert_eq!(
        table,
        "peer  | version | cases run | refused as declared | known deviations | failed\n\
         store | 1.2     | 110       | 9                   | 0                | 1"
    );
}
