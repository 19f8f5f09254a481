//! The suite judged by itself, without a store: nothing is left out, nothing is named wrongly.

use std::collections::BTreeSet;

use connector_api::model::Capabilities;

use super::capability::tested_flags;
use super::config::Config;
use super::facts::{Facts, Feature};
use super::quirks::Quirks;
use super::report::{ByCapability, End, Report, table};
use super::*;

/// Features that no case relies on, because no connector has them yet. A connector that declares one fails the case
/// `capability::whatever_is_declared_is_tested` until it is struck off here and has cases.
const WITHOUT_CASES: [&str; 0] = [];

const FEATURES: [Feature; 11] = [
    Feature::DeclaredColumns,
    Feature::GuessedColumns,
    Feature::Views,
    Feature::UniqueKeys,
    Feature::ForeignKeys,
    Feature::GeneratedKeys,
    Feature::Defaults,
    Feature::OpenTables,
    Feature::SeveralSets,
    Feature::Overloads,
    Feature::ParameterDefaults,
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
    let mut features: Vec<_> = FEATURES.iter().map(|feature| feature.need()).collect();
    features.push("store.many_random_filters");
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
    let facts = |types: &str| toml::from_str::<Facts>(&format!("types = {types}"));
    assert!(facts("[\"integer\", \"bigint\"]").is_err());
    let tables = tables::tables(&facts("[\"integer\", \"text\"]").unwrap());
    assert!(tables.iter().all(|stored| stored.name() != tables::ITEM_VIEW));
    let typed = tables.iter().find(|stored| stored.name() == tables::TYPED).unwrap();
    assert_eq!(typed.columns(), ["id", "integer", "text"]);
    assert!(typed.rows.iter().all(|row| row.len() == 3));
    assert!(tables.iter().all(|stored| stored.table.foreign_keys.is_empty()));
}

#[test]
fn a_list_of_tables_has_the_columns_that_no_description_names() {
    let facts = "types = [\"integer\", \"text\"]\nfeatures = [\"open_tables\"]";
    let facts: Facts = toml::from_str(facts).unwrap();
    let tables = tables::tables(&facts);
    let open = tables.iter().find(|stored| stored.name() == tables::OPEN).unwrap();
    let lines = tables::to_lines(open, &facts);
    assert!(lines[0].contains(r#""undescribed":["extra"]"#), "{}", lines[0]);
    let row = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["row"].clone();
    assert_eq!(row(&lines[1]), serde_json::json!({"id": 1, "name": "anchor"}));
    assert_eq!(row(&lines[2]), serde_json::json!({"id": 2, "name": "bolt", "extra": 7}));
}

#[test]
fn a_long_difference_is_shown_where_it_begins() {
    let numbers: Vec<u32> = (0..5_000).collect();
    let others: Vec<u32> = numbers.iter().map(|number| if *number == 4_000 { 7 } else { *number }).collect();
    let told = same("ids", &others, &numbers).unwrap_err();
    assert!(told.contains(" 3999, 4000, 4001,") && told.contains(" 3999, 7, 4001,"), "{told}");
    assert!(told.len() < 1_200, "{told}");
    assert_eq!(same("ids", &[1], &[2]), Err("ids: expected [2], found [1]".to_owned()));
}

#[test]
fn the_table_at_the_end_lines_up() {
    let report = Report { passed: 100, refused: 9, failed: 1, ..Report::default() };
    let table = table(&[("store".to_owned(), "1.2".to_owned(), report)]);
    assert_eq!(
        table,
        "peer  | version | cases run | refused as declared | known deviations | failed\n\
         store | 1.2     | 110       | 9                   | 0                | 1"
    );
}

#[test]
fn a_capability_has_the_numbers_of_the_cases_that_need_it() {
    let case = |needs| Case::new("a::b", needs, |_| async { Ok(()) });
    let refusal = Case::refusal("a::c", "count", |_| async { Ok(()) });
    let mut numbers = ByCapability::default();
    numbers.count(&case(&["query"]), &End::Passed);
    numbers.count(&case(&["query", "order", "store.views"]), &End::Failed("no".to_owned()));
    numbers.count(&case(&["query", "limit.max_records"]), &End::Passed);
    numbers.count(&refusal, &End::Refused);
    let declared = Capabilities {
        query: true,
        order: true,
        offset: true,
        max_records: Some(1),
        ..Capabilities::default()
    };
    let table = numbers.table(&declared);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    assert_eq!(
        lines[1..],
        [
            vec!["query", "yes", "1", "1", "0", "0", "0", "ok"],
            vec!["order", "yes", "1", "0", "0", "0", "1", "FAILED"],
            vec!["offset", "yes", "0", "0", "0", "0", "0", "not judged"],
            vec!["max_records", "yes", "1", "1", "0", "0", "0", "ok"],
            vec!["count", "no", "1", "0", "1", "0", "0", "ok"],
        ]
    );
}

#[test]
fn a_mistake_in_a_configuration_is_told_by_its_line_and_not_quoted() {
    let check = |text: &str, expected: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let Err(told) = Config::read(file.path()) else { panic!("{text} was taken") };
        assert!(told.contains(expected) && !told.contains("hunter2"), "{told}");
    };
    check("[config]\npassword = \"hunter2\" \"", ":2: ");
    check("[store]\ntypes = [\"integer\"]\n[config]\npassword = hunter2", ":4: ");
    check("[prepare]\ncommand = [\"a\"]\nby_hand = true", "either");
    check("[prepare]\ncommand = [\"a\"]", "`types`");
    check("[[quirks.choice]]\nname = \"like_minds_case\"\nmanual = \"a book\"", ":3: expected a link");
}
