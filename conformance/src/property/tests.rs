//! The suite judged by itself: enough of everything is generated, and every planted bug is noticed.

use super::*;
use crate::reference::Bug;

const ROWS: i64 = 20;
const CASES_PER_TABLE: u64 = 250;

/// Runs the reference as the store, with or without a bug, over so many tables.
fn judge(tables: u64, bug: Option<Bug>, statistics: &mut Statistics) -> Result<(), Box<Difference>> {
    for seed in 0..tables {
        let table = RandomTable::new(&mut Random::new(seed), Profile::ALL, ROWS);
        let plan =
            Plan { seed, cases: CASES_PER_TABLE, profile: Profile::ALL, reference: Reference::default() };
        let store = Reference { bug, ..Reference::default() };
        run(&plan, &table, statistics, |filter, params| {
            ids(&store, filter, params, &table).map_err(|undefined| undefined.0.to_owned())
        })?;
    }
    Ok(())
}

#[test]
fn enough_of_everything_is_generated_and_nearly_all_is_defined() {
    let mut statistics = Statistics::default();
    assert!(judge(40, None, &mut statistics).is_ok());
    let mut added = Statistics::default();
    added.add(&statistics);
    assert_eq!(format!("{added:?}"), format!("{statistics:?}"));
    assert_eq!(statistics.cases + statistics.undefined, 10_000);
    assert_eq!(statistics.complaints(100), Vec::<String>::new(), "{statistics:#?}");
}

#[test]
fn every_planted_bug_is_noticed_within_ten_thousand_cases() {
    let unnoticed: Vec<_> =
        Bug::ALL.iter().filter(|bug| judge(40, Some(**bug), &mut Statistics::default()).is_ok()).collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}

/// A bug is named after its operator: `LtIncludesEqual` after `compare.lt`.
#[test]
fn every_operator_has_a_planted_bug() {
    let bugs: Vec<String> = Bug::ALL.iter().map(|bug| format!("{bug:?}").to_ascii_lowercase()).collect();
    let operators = NODES.iter().filter(|node| !["column", "param"].contains(*node));
    let without: Vec<_> = operators
        .filter(|node| {
            let operator = node.rsplit('.').next().unwrap().replace('_', "");
            !bugs.iter().any(|bug| bug.starts_with(&operator))
        })
        .collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn a_difference_is_shown_with_a_small_filter() {
    let difference = judge(40, Some(Bug::BetweenExcludesHigh), &mut Statistics::default()).unwrap_err();
    assert!(matches!(difference.case.filter, Filter::Between { .. }), "{difference:?}");
    assert_ne!(difference.found.as_ref(), Ok(&difference.expected));
}

#[test]
fn equal_seeds_give_equal_cases() {
    let cases = |seed| {
        let table = RandomTable::new(&mut Random::new(seed), Profile::ALL, ROWS);
        let mut random = Random::new(seed);
        let cases: Vec<_> = (0..20).map(|_| case(&mut random, &table, Profile::ALL)).collect();
        format!("{:?} {cases:?}", table.rows)
    };
    assert_eq!(cases(7), cases(7));
    assert_ne!(cases(7), cases(8));
}

#[test]
fn a_run_that_tried_nothing_is_complained_about() {
    assert_eq!(Statistics::default().complaints(1).len(), NODES.len() + 6);
}
