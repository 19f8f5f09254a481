//! Arrows between the rooms of the gateway that would turn its one direction around.
//!
//! `docs/architecture.md` says which room may use which. Here stand only those that must never appear, whatever else
//! changes: a room that does no I/O reaching for one that does, a lower room reaching for the wire.

use crate::clone::{self, TextFile, assert_clean, assert_finds};
use crate::tokens::{self, Token};

/// A room, and the rooms it must never use.
const NEVER: &[(&str, &[&str])] = &[
    ("auth", &["connectors", "pipeline", "plan"]),
    ("connectors", &["auth", "http", "pipeline", "plan", "request", "roles", "store"]),
    (
        "extras",
        &["auth", "connectors", "http", "operation", "pipeline", "plan", "request", "response", "roles"],
    ),
    ("plan", &["connectors", "http", "pipeline", "response", "store"]),
    ("request", &["auth", "connectors", "http", "pipeline", "plan", "roles", "store"]),
    ("response", &["auth", "connectors", "http", "pipeline", "roles", "store"]),
    ("roles", &["connectors", "http", "pipeline", "store"]),
    ("schema", &["auth", "http", "pipeline", "roles"]),
    ("scripting", &["connectors", "store"]),
    ("settings", &["auth", "connectors", "http", "pipeline", "plan", "store"]),
];

/// The room of a file in the gateway: its folder under `src`, or the file itself.
fn room_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("gateway/src/")?;
    Some(inside.split('/').next()?.trim_end_matches(".rs"))
}

/// The rooms that the code names: `crate::room…` and `use crate::{room…, …}`.
fn rooms_named(tokens: &[Token]) -> Vec<&Token> {
    let mut named = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens::reads(tokens, *at, &["crate", ":", ":"])) {
        let rest = tokens.get(at + 3..).unwrap_or_default();
        match rest.first() {
            Some(open) if open.text == "{" => named.extend(heads_of_list(rest)),
            Some(room) => named.push(room),
            None => {}
        }
    }
    named
}

/// The first word of each entry of `{a::b, c::{d, e}}`: `a` and `c`.
fn heads_of_list(tokens: &[Token]) -> Vec<&Token> {
    let mut heads = Vec::new();
    let mut depth = 0_usize;
    let mut is_head = false;
    for token in tokens {
        match token.text.as_str() {
            "{" => {
                depth += 1;
                is_head = depth == 1;
            }
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," => is_head = depth == 1,
            _ if is_head => {
                heads.push(token);
                is_head = false;
            }
            _ => {}
        }
    }
    heads
}

fn forbidden_arrows(files: &[TextFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !file.is_test_code()) {
        let Some((room, never)) = NEVER.iter().find(|(room, _)| room_of(&file.path) == Some(room)) else {
            continue;
        };
        let tokens = tokens::code(&file.path, &file.text);
        for named in rooms_named(&tokens).into_iter().filter(|token| never.contains(&token.text.as_str())) {
            findings.push(format!("{}:{}: {room} must not use {}", file.path, named.line, named.text));
        }
    }
    findings
}

#[test]
fn rooms_of_the_gateway_keep_their_direction() {
    assert_clean(&forbidden_arrows(&clone::rust_files()));
}

#[test]
fn a_forbidden_arrow_is_found() {
    let check = |path: &str, text: &str, expected: Option<&str>| {
        let findings = forbidden_arrows(&[TextFile::new(path, text)]);
        match expected {
            Some(part) => assert_finds(&findings, part),
            None => assert_clean(&findings),
        }
    };
    check("gateway/src/plan/mod.rs", "use crate::http::Reply;", Some("plan must not use http"));
    check("gateway/src/roles.rs", "fn f() { crate::store::open() }", Some("roles must not use store"));
    check(
        "gateway/src/request/a.rs",
        "use crate::{error, plan::{Plan, x}};",
        Some("request must not use plan"),
    );
    check("gateway/src/request/a.rs", "use crate::error::{plan, roles};", None);
    check("gateway/src/plan/mod.rs", "use crate::roles::Role;", None);
    check("gateway/src/app.rs", "use crate::http::Reply;", None);
}
