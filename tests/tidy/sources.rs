//! What each Rust file has to look like: its opening, its length, and what only one room may write.

use crate::clone::{self, TextFile, assert_clean, assert_finds};
use crate::tokens::{self, Token};

const MAX_LINES: usize = 600;

/// Longer files, each with its reason: tables of types or operators.
const LONG_FILES: &[(&str, &str)] = &[];

/// The only places with `unsafe`: the binary interface, on both sides.
/// The last one exports by hand what the author's macro would, in order to misbehave.
const UNSAFE_ROOMS: [&str; 4] = [
    "connector-api/src/abi",
    "connector-api/src/author",
    "gateway/src/connectors/loader.rs",
    "connectors/chaos/src/export.rs",
];

/// The only file of the gateway that knows HTTP status codes.
const STATUS_FILE: &str = "gateway/src/error.rs";

/// Numbers that are nothing but a status code. The round ones are also ordinary numbers: they count as a status
/// only where they stand beside the word.
const STATUS_NUMBERS: [&str; 18] = [
    "401", "403", "404", "405", "406", "409", "410", "412", "413", "415", "416", "422", "428", "429", "501",
    "502", "503", "504",
];
const ROUND_STATUS_NUMBERS: [&str; 9] = ["200", "201", "202", "204", "206", "304", "400", "408", "500"];

/// Files that do not open with a module comment of at least three words.
fn missing_module_docs(files: &[TextFile]) -> Vec<String> {
    let opens_well = |file: &&TextFile| {
        let first = file.text.lines().next().and_then(|line| line.strip_prefix("//! "));
        first.is_some_and(|words| words.split_whitespace().count() >= 3)
    };
    let finding = |file: &TextFile| format!("{}: must open with `//!` and say what lives here", file.path);
    files.iter().filter(|file| !opens_well(file)).map(finding).collect()
}

/// Files over the limit, and exceptions that are no longer needed.
fn wrong_lengths(files: &[TextFile], exceptions: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let lines = file.text.lines().count();
        let is_excepted = exceptions.iter().any(|(path, _)| *path == file.path);
        if lines > MAX_LINES && !is_excepted {
            findings.push(format!("{}: {lines} lines, the limit is {MAX_LINES}", file.path));
        }
        if lines <= MAX_LINES && is_excepted {
            findings.push(format!("{}: is listed as too long, but has {lines} lines", file.path));
        }
    }
    let is_gone = |path: &str| files.iter().all(|file| file.path != path);
    let gone = exceptions.iter().filter(|(path, _)| is_gone(path));
    findings.extend(gone.map(|(path, _)| format!("{path}: is listed as too long, but does not exist")));
    findings
}

fn unsafe_elsewhere(files: &[TextFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !UNSAFE_ROOMS.iter().any(|room| file.path.starts_with(room))) {
        let tokens = tokens::code(&file.path, &file.text);
        let found = tokens.iter().filter(|token| token.text == "unsafe");
        findings
            .extend(found.map(|token| format!("{}:{}: unsafe is not for this room", file.path, token.line)));
    }
    findings
}

/// Status codes in the gateway outside the file that maps outcomes to them.
fn status_codes_elsewhere(files: &[TextFile]) -> Vec<String> {
    let mut findings = Vec::new();
    let is_judged = |file: &&TextFile| {
        file.path.starts_with("gateway/src/") && file.path != STATUS_FILE && !file.is_test_code()
    };
    for file in files.iter().filter(is_judged) {
        let tokens = tokens::code(&file.path, &file.text);
        for at in (0..tokens.len()).filter(|at| is_status(&tokens, *at)) {
            let Some(token) = tokens.get(at) else { continue };
            findings.push(format!("{}:{}: {} belongs into {STATUS_FILE}", file.path, token.line, token.text));
        }
    }
    findings
}

/// `StatusCode::…`, a number that is nothing but a status, or a round one after the word (`status == 400`).
fn is_status(tokens: &[Token], at: usize) -> bool {
    let Some(token) = tokens.get(at) else { return false };
    let number = token.text.trim_end_matches("u16");
    let after_the_word = || {
        let before = tokens.get(at.saturating_sub(4)..at).unwrap_or_default();
        let last_word = before.iter().rev().find(|token| token.text.starts_with(char::is_alphabetic));
        last_word.is_some_and(|word| word.text.to_lowercase().contains("status"))
    };
    tokens::reads(tokens, at, &["StatusCode", ":", ":"])
        || (token.is_literal && STATUS_NUMBERS.contains(&number))
        || (token.is_literal && ROUND_STATUS_NUMBERS.contains(&number) && after_the_word())
}

#[test]
fn each_file_says_what_lives_in_it() {
    assert_clean(&missing_module_docs(&clone::rust_files()));
}

#[test]
fn a_missing_module_comment_is_found() {
    let check =
        |text: &str| assert_finds(&missing_module_docs(&[TextFile::new("a/lib.rs", text)]), "a/lib.rs");
    check("");
    check("//! Empty.");
    check("use std::fs;\n//! Reads files from the disk.");
    check("// Reads files from the disk.");
    assert_clean(&missing_module_docs(&[TextFile::new("a/lib.rs", "//! Reads files from the disk.")]));
}

#[test]
fn files_keep_to_the_length_limit() {
    assert_clean(&wrong_lengths(&clone::rust_files(), LONG_FILES));
}

#[test]
fn a_wrong_length_is_found() {
    let long = TextFile::new("a/types.rs", &"x\n".repeat(MAX_LINES + 1));
    let short = TextFile::new("a/types.rs", &"x\n".repeat(MAX_LINES));
    let excepted = [("a/types.rs", "a table")];
    assert_finds(&wrong_lengths(std::slice::from_ref(&long), &[]), "601 lines");
    assert_clean(&wrong_lengths(&[long], &excepted));
    assert_finds(&wrong_lengths(std::slice::from_ref(&short), &excepted), "is listed as too long");
    assert_clean(&wrong_lengths(&[short], &[]));
    assert_finds(&wrong_lengths(&[], &excepted), "does not exist");
}

#[test]
fn unsafe_stays_in_the_binary_interface() {
    assert_clean(&unsafe_elsewhere(&clone::rust_files()));
}

#[test]
fn unsafe_elsewhere_is_found() {
    let sample = |path| [TextFile::new(path, "\nfn f(p: *const u8) -> u8 { unsafe { *p } }")];
    assert_finds(&unsafe_elsewhere(&sample("gateway/src/http/mod.rs")), "gateway/src/http/mod.rs:2");
    assert_finds(&unsafe_elsewhere(&sample("tests/abi/main.rs")), "tests/abi/main.rs:2");
    assert_clean(&unsafe_elsewhere(&sample("connector-api/src/abi/buffer.rs")));
    assert_clean(&unsafe_elsewhere(&sample("gateway/src/connectors/loader.rs")));
    let harmless = "#![allow(unsafe_code)]\n// unsafe\nconst A: &str = \"unsafe\";";
    assert_clean(&unsafe_elsewhere(&[TextFile::new("gateway/src/lib.rs", harmless)]));
}

#[test]
fn status_codes_stay_in_one_file() {
    assert_clean(&status_codes_elsewhere(&clone::rust_files()));
}

#[test]
fn a_status_code_elsewhere_is_found() {
    let check = |path: &str, text: &str, expected: Option<&str>| {
        let findings = status_codes_elsewhere(&[TextFile::new(path, text)]);
        match expected {
            Some(part) => assert_finds(&findings, part),
            None => assert_clean(&findings),
        }
    };
    let file = "gateway/src/http/table.rs";
    check(file, "fn f() { reply(StatusCode::OK) }", Some("StatusCode"));
    check(file, "fn f() { reply(404) }", Some("404"));
    check(file, "fn f() { reply(503u16) }", Some("503"));
    check(file, "fn f() { if status.as_u16() == 1 {} if status == 400 {} }", Some("400"));
    check(file, "fn f() { Reply { status: 201 } }", Some("201"));
    check(file, "const MAX_ROWS: u32 = 500; // 404", None);
    check(file, "fn f() -> StatusCode { error.status() }", None);
    check(STATUS_FILE, "fn f() { reply(StatusCode::OK, 404) }", None);
    check("connectors/memory/src/lib.rs", "const A: u16 = 404;", None);
}
