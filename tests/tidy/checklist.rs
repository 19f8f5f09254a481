//! The list of what old clients rely on (`docs/compatibility.md`): each line names tests that are there, or what it waits for.

use crate::clone::{self, TextFile, assert_clean, assert_finds};

/// A line that is not held by a test says with what it will come.
const LATER: &str = "later: ";

/// Lines of the table that name nothing, and tests that are nowhere.
fn unproven(list: &TextFile, sources: &[TextFile]) -> Vec<String> {
    let rows: Vec<&str> = list.text.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    if rows.is_empty() {
        return vec![format!("{}: has no table", list.path)];
    }
    let mut findings = Vec::new();
    for row in rows {
        let proof = row.trim_end_matches([' ', '|']).rsplit_once(" | ").map_or("", |(_, proof)| proof);
        let tests: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        let waits = proof.split_once(LATER).is_some_and(|(_, what)| what.split_whitespace().count() > 1);
        if tests.is_empty() && !waits {
            findings.push(format!("{}: names no test and not what it waits for: {row}", list.path));
        }
        let missing = tests.into_iter().filter(|test| !is_there(test, sources));
        findings.extend(missing.map(|test| format!("{}: there is no test {test}", list.path)));
    }
    findings
}

/// Whether `file::test` is a test of that file in `tests/http`.
fn is_there(test: &str, sources: &[TextFile]) -> bool {
    let Some((file, name)) = test.split_once("::") else { return false };
    let path = format!("tests/http/{file}.rs");
    let head = format!("#[test]\nfn {name}() {{\n");
    sources.iter().any(|source| source.path == path && source.text.contains(&head))
}

#[test]
fn each_line_of_the_checklist_is_held_by_tests_or_says_what_it_waits_for() {
    assert_clean(&unproven(&clone::read("docs/compatibility.md"), &clone::rust_files()));
}

#[test]
fn a_line_without_proof_is_found() {
    let source = "#[test]\nfn rows_are_there() {\n}\nfn no_test() {\n}\n";
    let sources = [TextFile::new("tests/http/read.rs", source)];
    let check = |proof: &str, expected: Option<&str>| {
        let list = format!("| what | held by |\n|---|---|\n| rows | {proof} |\n");
        let findings = unproven(&TextFile::new("docs/compatibility.md", &list), &sources);
        match expected {
            Some(part) => assert_finds(&findings, part),
            None => assert_clean(&findings),
        }
    };
    check("`read::rows_are_there`", None);
    check("later: related rows", None);
    check("`read::rows_are_there`; later: related rows", None);
    check("`read::rows_are_there`, `read::rows_were_there`", Some("read::rows_were_there"));
    check("`write::rows_are_there`", Some("write::rows_are_there"));
    check("`read::no_test`", Some("read::no_test"));
    check("`rows_are_there`", Some("rows_are_there"));
    check("yes", Some("names no test"));
    check("later: ", Some("names no test"));
    let empty = TextFile::new("docs/compatibility.md", "# Compatibility\n");
    assert_finds(&unproven(&empty, &sources), "has no table");
}
