//! What the documents promise and what no file may hold: README commands and table, paths of one machine.

use std::collections::BTreeSet;

use conformance::config::Config;
use conformance::quirks::TYPES;

use crate::clone::{self, Member, TextFile, assert_clean, assert_finds};
use crate::databases::NO_DATABASE;

/// Commands that a reader of the README needs first.
const COMMANDS: [&str; 2] = ["make run", "make test"];

/// Folders that exist on somebody's machine only. Spelled in two parts, so that this file does not hold them.
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/ro", "ot"), concat!("/wo", "rk"), concat!("/ho", "me"), concat!("/Us", "ers")];

fn missing_commands(readme: &TextFile) -> Vec<String> {
    let missing = COMMANDS.iter().filter(|command| !readme.text.contains(**command));
    missing.map(|command| format!("{}: does not name `{command}`", readme.path)).collect()
}

/// Differences between the connectors and the README's table of databases: the first table under a heading with
/// the word "databases", whose first column holds the connector's folder name in backticks.
fn wrong_table(readme: &TextFile, connectors: &[&str]) -> Vec<String> {
    let rows = database_rows(&readme.text);
    if rows.is_empty() {
        return vec![format!("{}: has no table under a heading with the word \"Databases\"", readme.path)];
    }
    let mut findings = Vec::new();
    for (row, name) in &rows {
        match name {
            None => findings.push(format!("{}: no `connector` in the first column of: {row}", readme.path)),
            Some(name) if !connectors.contains(name) => {
                findings.push(format!("{}: lists {name}, which is not in connectors/", readme.path));
            }
            Some(_) => {}
        }
    }
    let is_listed = |connector: &str| rows.iter().any(|(_, name)| *name == Some(connector));
    let missing = connectors.iter().filter(|connector| !is_listed(connector));
    findings.extend(missing.map(|connector| format!("{}: does not list {connector}", readme.path)));
    findings
}

/// Each row of the table with the name in backticks that its first cell holds.
fn database_rows(text: &str) -> Vec<(&str, Option<&str>)> {
    let is_heading = |line: &&str| line.starts_with('#') && line.to_lowercase().contains("databases");
    let section =
        text.lines().skip_while(|line| !is_heading(line)).skip(1).take_while(|line| !line.starts_with('#'));
    let table = section.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    table.skip(2).map(|row| (row, name_in_first_cell(row))).collect()
}

fn name_in_first_cell(row: &str) -> Option<&str> {
    row.split('|').nth(1)?.split('`').nth(1)
}

/// Connectors that a reader can use: all but those made for tests.
fn listed_connectors(members: &[Member]) -> Vec<&str> {
    let is_listed = |name: &&str| *name == "memory" || !NO_DATABASE.contains(name);
    members.iter().filter_map(Member::connector).filter(is_listed).collect()
}

fn machine_paths(files: &[TextFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in (1..).zip(file.text.lines()) {
            if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| holds_path(line, folder)) {
                findings.push(format!("{}:{number}: holds the path of one machine ({folder})", file.path));
            }
        }
    }
    findings
}

/// Whether `folder` starts a path in the line: a folder inside another one and a longer name do not count.
fn holds_path(line: &str, folder: &str) -> bool {
    let goes_on = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    line.match_indices(folder).any(|(at, _)| {
        let (before, after) = (line.get(..at), line.get(at + folder.len()..));
        let before = before.and_then(|text| text.chars().next_back());
        let after = after.and_then(|text| text.chars().next());
        !before.is_some_and(|last| goes_on(last) || "~}/)".contains(last)) && !after.is_some_and(goes_on)
    })
}

/// What the first cells of a table name in backticks; the table is the first one behind a line that holds `before`.
fn first_cells(text: &str, before: &str) -> BTreeSet<String> {
    let table =
        text.lines().skip_while(|line| !line.contains(before)).skip_while(|line| !line.starts_with('|'));
    let rows = table.take_while(|line| line.starts_with('|')).skip(2);
    rows.filter_map(name_in_first_cell).map(str::to_owned).collect()
}

/// The words that could stand in the place of `unknown_word` in a file to judge by, as its reader tells them.
fn words_instead(file: &str) -> BTreeSet<String> {
    let Err(error) = toml::from_str::<Config>(file) else { panic!("{file} was taken") };
    let message = error.message();
    let (unknown, known) = message.split_once(", expected ").unwrap_or_else(|| panic!("{message}"));
    assert!(unknown.contains("`unknown_word`"), "{message}");
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_guide_has_every_key_of_the_file_to_judge_by() {
    let guide = clone::read("docs/guides/write-a-connector.md").text;
    let check = |before: &str, file: &str| {
        assert_eq!(first_cells(&guide, before), words_instead(file), "the table behind \"{before}\"");
    };
    check("The tables of the file:", "unknown_word = 1");
    check("In `[store]`:", "[store]\nunknown_word = 1");
    check("is asked for none", "[store]\nfeatures = [\"unknown_word\"]");
    check("In `[prepare]`", "[prepare]\nunknown_word = 1");
    check("`[[quirks.choice]]` has", "[[quirks.choice]]\nname = \"unknown_word\"");
    check("`[[quirks.type]]` is", "[[quirks.type]]\nunknown_word = 1");
    for key in words_instead("[[quirks.deviation]]\nunknown_word = 1").iter().map(String::as_str).chain(TYPES)
    {
        assert!(guide.contains(&format!("`{key}`")), "{key}");
    }
    let default = Config::default().store.random_filters;
    assert!(guide.contains(&format!("| `random_filters` | {default} |")), "{default}");
}

#[test]
fn readme_names_the_commands() {
    assert_clean(&missing_commands(&clone::read("README.md")));
}

#[test]
fn a_missing_command_is_found() {
    assert_finds(&missing_commands(&TextFile::new("README.md", "Type `make run`.")), "make test");
}

#[test]
fn readme_lists_exactly_the_connectors() {
    let members = clone::members();
    assert_clean(&wrong_table(&clone::read("README.md"), &listed_connectors(&members)));
}

#[test]
fn a_wrong_table_is_found() {
    let check = |rows: &str, expected: Option<&str>| {
        let text = format!(
            "| a |\n\n## Databases\n\n| connector | tested |\n|---|---|\n{rows}\n\n## Next\n| `x` |\n"
        );
        let findings = wrong_table(&TextFile::new("README.md", &text), &["memory", "sqlite"]);
        match expected {
            Some(part) => assert_finds(&findings, part),
            None => assert_clean(&findings),
        }
    };
    check("| `memory` | x |\n| SQLite (`sqlite`) | x |", None);
    check("| `memory` | x |", Some("does not list sqlite"));
    check("| `memory` | x |\n| `sqlite` | x |\n| `oracle` | x |", Some("lists oracle"));
    check("| `memory` | x |\n| `sqlite` | x |\n| Oracle | x |", Some("no `connector`"));
    check("", Some("no table"));
}

#[test]
fn connectors_for_tests_are_not_listed() {
    let member = |folder: &str| Member::new(folder, "[lib]\ncrate-type = [\"cdylib\"]");
    let members =
        [member("connectors/chaos"), member("connectors/sqlite"), Member::new("connectors/common", "")];
    assert_eq!(listed_connectors(&members), ["sqlite"]);
}

#[test]
fn no_file_holds_a_path_of_one_machine() {
    assert_clean(&machine_paths(&clone::text_files()));
}

#[test]
fn a_path_of_one_machine_is_found() {
    let (first, second) = (MACHINE_FOLDERS[0], MACHINE_FOLDERS[1]);
    let check = |text: String, is_found: bool| {
        let findings = machine_paths(&[TextFile::new("Makefile", &text)]);
        if is_found { assert_finds(&findings, "Makefile:1") } else { assert_clean(&findings) }
    };
    check(format!("cd {first}/project"), true);
    check(format!("see \"{second}\""), true);
    check(format!("src{first}/mod.rs"), false);
    check(format!("https://example.com{first}"), false);
    check(format!("{second}ers"), false);
}
