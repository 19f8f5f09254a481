//! What a person needs to know about a case that failed: what the contract asks, and which words of the configuration say that the store
//! is like that. Words only, nothing is judged here.

/// What the contract asks in this case, in one line.
#[must_use]
pub fn rule(case: &str) -> String {
    let (group, words) = case.split_once("::").unwrap_or(("", case));
    let of_capability = || EXISTING.iter().find(|(name, _)| *name == words).map(|(_, rule)| *rule);
    match (group, of_capability()) {
        ("refused", _) => format!(
            "what is not declared is refused with the kind Unsupported, and nothing is done: {}",
            words.replace('_', " ")
        ),
        ("existing", Some(rule)) => rule.to_owned(),
        _ => words.replace('_', " "),
    }
}

/// Which quirk or fact of the configuration says it, where the store's nature may be the reason.
#[must_use]
pub fn hint(case: &str) -> Option<&'static str> {
    HINTS.iter().find(|(cases, _)| cases.iter().any(|start| case.starts_with(start))).map(|(_, hint)| *hint)
}

/// Rules of cases whose names do not say them, most of them named after a capability.
const EXISTING: [(&str, &str); 22] = [
    ("filter_compare", "a comparison holds by value; with null, and so its opposite, it is unknown"),
    ("filter_in", "in holds for equal items; without a match a null item makes it unknown"),
    ("filter_between", "between includes both bounds; a null bound is unknown unless the other decides"),
    ("filter_null", "is null holds for null and for absent, and for nothing else"),
    ("filter_like", "like knows % and _, has no escape, and is unknown for null"),
    ("filter_ilike", "ilike is like without regard to case"),
    ("filter_text", "contains, starts with and ends with take every character as it stands"),
    ("filter_or", "or is true before it is unknown"),
    (
        "filter_not",
        "the opposite of unknown is unknown, so not never brings rows back for which a value is null",
    ),
    ("filter_expressions", "columns, arithmetic and functions keep to their words on both sides"),
    ("filter_paths", "a path leads into a document; what is not there is absent, which is null"),
    ("open_columns", "any column of an open table may be named; a row that lacks it has null there"),
    ("count", "a count is exact"),
    (
        "order",
        "every row comes, numbers by value and texts as the store has it; down is the opposite of up, nulls stand at one end",
    ),
    ("order_nulls", "nulls stand first or last as the order says, whatever the direction"),
    ("offset", "an offset skips so many of the ordered rows"),
    ("page_token", "tokens lead through every row once, and the last page has none"),
    ("distinct", "no row comes twice among the columns wanted, and none is missing; nulls are equal"),
    ("aggregates_of_all_rows", "aggregates leave nulls out; count, least and greatest are exact"),
    ("groups", "there is one row for each value, nulls are one value"),
    (
        "columns_that_no_description_names_are_read",
        "a column of an open table is read by its name; a row that lacks it has null there",
    ),
    ("columns_inside_of_documents_are_read", "a path is answered under its segments joined with dots"),
];

/// Starts of the names of cases, and what may be said in the configuration. The first that fits counts.
const HINTS: [(&[&str], &str); 16] = [
    (
        &["types::", "written::"],
        "[[quirks.type]] with `name` and what differs: `described_as`, `read_as`, `second_digits`, `names_without_nul`; \
         [[quirks.choice]] `numbers_have_one_type`; a type that the store lacks is not named in `types`",
    ),
    (
        &["catalogue::columns_have"],
        "[[quirks.type]] `described_as`; `declared_columns` or `guessed_columns` in `features` of [store]",
    ),
    (&["catalogue::guessed_columns"], "`guessed_columns` in `features` of [store]"),
    (
        &["catalogue::a_primary_key", "catalogue::unique_keys"],
        "`own_key` of [store], where each table has the store's own key column; `unique_keys` in `features`",
    ),
    (&["catalogue::a_view", "read::a_view"], "`views` in `features` of [store]"),
    (
        &["catalogue::a_key_that_the_store_makes", "insert::keys_are_made"],
        "`generated_keys` in `features` of [store]",
    ),
    (
        &[
            "catalogue::columns_with_defaults",
            "insert::what_is_not_given",
            "upsert::what_is_not_given",
            "rules::a_check_sees_defaults",
        ],
        "`defaults` in `features` of [store]",
    ),
    (
        &["catalogue::references", "insert::a_reference", "delete::a_row_that_others"],
        "`foreign_keys` in `features` of [store]",
    ),
    (
        &["catalogue::every_table", "catalogue::many_tables", "read::hostile_names"],
        "`namespace` of [store], where the tables are; `names`, where a name can't be had",
    ),
    (
        &["filter::like", "filter::plain_text", "existing::filter_like", "existing::filter_text"],
        "[[quirks.choice]] `like_minds_case`",
    ),
    (&["filter::ilike", "existing::filter_ilike"], "[[quirks.choice]] `folds_unicode`"),
    (
        &["random::filters", "filter::values_of_different_kinds", "existing::filter_"],
        "[[quirks.choice]] `booleans_are_numbers`, `like_minds_case`, `folds_unicode`",
    ),
    (&["order::nulls_stand_at_the_end"], "[[quirks.choice]] `nulls_are_highest`"),
    (&["sequence::"], "[[quirks.choice]] `atomic_writes_name_rows_once`, `numbers_have_one_type`"),
    (&["open::"], "`open_tables` in `features` of [store]"),
    (
        &[
            "errors::an_unknown_column",
            "insert::unknown_columns",
            "update::unknown_columns",
            "insert::a_null",
            "update::a_null",
        ],
        "`declared_columns` in `features` of [store]: unknown columns are refused, and so are nulls where none may stand",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cases;

    #[test]
    fn each_hint_belongs_to_a_case() {
        let mut names: BTreeSet<String> = cases().into_iter().map(|case| case.name).collect();
        names.extend(EXISTING.iter().map(|(capability, _)| format!("existing::{capability}")));
        for start in HINTS.iter().flat_map(|(cases, _)| *cases) {
            assert!(names.iter().any(|name| name.starts_with(start)), "{start} fits no case");
        }
    }

    #[test]
    fn the_rule_of_a_case_is_a_sentence() {
        let check = |case: &str, expected: &str| assert_eq!(rule(case), expected);
        check("order::nulls_stand_where_the_order_says", "nulls stand where the order says");
        check("existing::count", "a count is exact");
        let refusal =
            "what is not declared is refused with the kind Unsupported, and nothing is done: filter in";
        check("refused::filter_in", refusal);
    }
}
