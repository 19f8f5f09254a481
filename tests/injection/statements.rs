//! The statements that a server was asked, in the order in which it was: read from its own log, which it writes before it answers.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde_json::Value as Json;

use crate::client::get;
use crate::gateway::Gateway;
use crate::world::KEY;

/// What the gateway's connections call themselves.
pub(crate) const APPLICATION: &str = "tablegate";
/// What the log of the server has before each entry: who asked.
pub(crate) const PREFIX: &str = "@%a|";
/// The account that the gateway has.
const ACCOUNT: &str = "gateway@";

/// Where statements are written down.
pub(crate) enum Log {
    /// PostgreSQL's log, with [`PREFIX`].
    Entries(Tail),
    /// MariaDB's general log and the threads in it that are the gateway's, and its log of errors in statements.
    General { queries: Tail, threads: HashSet<String>, errors: Tail },
    /// The gateway's log of statements: how many lines were read, how often.
    Lines { read: usize, times: usize },
}

/// The end of a file that grows.
pub(crate) struct Tail {
    path: PathBuf,
    read: u64,
}

impl Tail {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, read: 0 }
    }

    /// What was written since the last time.
    fn more(&mut self) -> String {
        // Nothing was written yet.
        let Ok(mut file) = File::open(&self.path) else { return String::new() };
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        self.read += u64::try_from(bytes.len()).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Log {
    /// The statements since the last time. What a server could not read at all is among them.
    pub(crate) fn more(&mut self, gateway: &Gateway) -> Vec<String> {
        match self {
            Self::Entries(tail) => entries(&tail.more()),
            Self::General { queries, threads, errors } => {
                let mut found = general(&queries.more(), threads);
                found.extend(misread(&errors.more()));
                found
            }
            Self::Lines { read, times } => {
                *times += 1;
                wait_for_lines(gateway, (*read, *times));
                let lines = gateway.log.after(*read);
                *read += lines.len();
                lines.iter().filter(|line| !line.contains(MARK)).filter_map(|line| statement(line)).collect()
            }
        }
    }
}

/// How the ids of requests begin that are sent only to see their lines.
const MARK: &str = "up-to-here-";

/// The lines come over a pipe, in their order: those before this request are there when its own is.
fn wait_for_lines(gateway: &Gateway, (read, times): (usize, usize)) {
    let id = format!("{MARK}{times}.");
    let request = get("/api/v2/store/_table/tags?fields=code&limit=1").key(KEY).header("X-Request-Id", &id);
    assert_eq!(gateway.send(request).status, 200);
    gateway.log.find_after(read, &id).expect("the gateway runs");
}

/// A line behind the first one of an entry begins with a tab.
fn entries(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_ours = false;
    for line in text.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let Some(last) = found.last_mut().filter(|_| is_ours) {
                last.push('\n');
                last.push_str(more);
            }
            continue;
        }
        let entry = line
            .strip_prefix('@')
            .and_then(|line| line.strip_prefix(APPLICATION))
            .and_then(|line| line.strip_prefix('|'));
        let statement = entry.and_then(statement_of_entry);
        is_ours = statement.is_some();
        found.extend(statement.map(str::to_owned));
    }
    found
}

fn statement_of_entry(entry: &str) -> Option<&str> {
    if let Some(failed) = entry.strip_prefix("STATEMENT:  ") {
        return Some(failed);
    }
    let told = entry.strip_prefix("LOG:  ")?;
    told.strip_prefix("statement: ").or_else(|| Some(told.strip_prefix("execute ")?.split_once(": ")?.1))
}

/// Each entry begins with a time or two tabs, then a thread's number and a word; what was asked may have any lines.
fn general(text: &str, threads: &mut HashSet<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_ours = false;
    for line in text.lines() {
        let Some((thread, word, asked)) = entry(line) else {
            if let Some(last) = found.last_mut().filter(|_| is_ours) {
                last.push('\n');
                last.push_str(line);
            }
            continue;
        };
        if word == "Connect" {
            match asked.starts_with(ACCOUNT) {
                true => threads.insert(thread.to_owned()),
                false => threads.remove(thread),
            };
        }
        // What is executed was prepared, and stands there with its values.
        is_ours = matches!(word, "Query" | "Prepare") && threads.contains(thread);
        found.extend(is_ours.then(|| asked.to_owned()));
    }
    found
}

fn entry(line: &str) -> Option<(&str, &str, &str)> {
    let (time, rest) = line.split_once('\t')?;
    if !time.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | ':')) {
        return None;
    }
    let (head, asked) = rest.trim_start_matches(['\t', ' ']).split_once('\t')?;
    let (thread, word) = head.split_once(' ')?;
    let is_entry =
        !thread.is_empty() && thread.bytes().all(|byte| byte.is_ascii_digit()) && WORDS.contains(&word);
    is_entry.then_some((thread, word, asked))
}

const WORDS: [&str; 9] = [
    "Query",
    "Prepare",
    "Execute",
    "Connect",
    "Quit",
    "Init DB",
    "Close stmt",
    "Reset stmt",
    "Reset connection",
];

/// Statements that are wrong in themselves: what is not prepared because of that stands in no other log.
fn misread(text: &str) -> impl Iterator<Item = String> {
    const SYNTAX: [&str; 4] = ["ERROR 1064", "ERROR 1149", "ERROR 1054", "ERROR 1305"];
    text.lines()
        .filter(|line| {
            line.contains(ACCOUNT.trim_end_matches('@')) && SYNTAX.iter().any(|code| line.contains(code))
        })
        .map(|line| format!("MISREAD {line}"))
}

/// One that was run, or what the database has to say of one that it can't read: that runs nowhere, and is no statement of the log.
fn statement(line: &str) -> Option<String> {
    const SYNTAX: [&str; 5] =
        ["syntax error", "unrecognized token", "incomplete input", "no such column", "no such function"];
    let line: Json = serde_json::from_str(line).ok()?;
    if let Some(statement) = line["statement"].as_str() {
        return Some(statement.to_owned());
    }
    let detail =
        line["detail"].as_str().filter(|detail| SYNTAX.iter().any(|words| detail.contains(words)))?;
    Some(format!("MISREAD {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_an_entry_may_have_lines() {
        let text = "@tablegate|LOG:  execute s0: SELECT 1\n\tFROM t\n@other|LOG:  statement: SELECT 2\n\tFROM u\n\
            @tablegate|ERROR:  syntax error\n@tablegate|STATEMENT:  SELEC\n@tablegate|LOG:  statement: BEGIN\n";
        assert_eq!(entries(text), ["SELECT 1\nFROM t", "SELEC", "BEGIN"]);
    }

    #[test]
    fn the_general_log_is_read_by_threads() {
        let text = "261126  9:40:00\t     7 Connect\tgateway@127.0.0.1 on suite using TCP/IP\n\t\t     7 Query\tSELECT 'a\nb'\n\
            \t\t     7 Prepare\tSELECT ?\n\t\t     7 Execute\tSELECT 'x\n\ty'\n\t\t     8 Query\tSELECT 2\n";
        assert_eq!(general(text, &mut HashSet::new()), ["SELECT 'a\nb'", "SELECT ?"]);
    }

    #[test]
    fn lines_of_the_gateway_tell_what_ran_and_what_could_not_be_read() {
        let check =
            |line: &str, expected: Option<&str>| assert_eq!(statement(line).as_deref(), expected, "{line}");
        check(r#"{"message":"statement","statement":"SELECT ?1"}"#, Some("SELECT ?1"));
        check(
            r#"{"message":"a connector failed","detail":"near \"x\": syntax error"}"#,
            Some("MISREAD near \"x\": syntax error"),
        );
        check(r#"{"message":"a connector failed","detail":"UNIQUE constraint failed"}"#, None);
        check("no JSON", None);
    }

    #[test]
    fn an_error_in_a_statement_counts_as_a_statement() {
        let text = "2026-11-26 9:40:00 gateway[gateway] @  [127.0.0.1] ERROR 1064: You have an error : SELECT 'x\n\
            2026-11-26 9:40:00 gateway[gateway] @  [127.0.0.1] ERROR 1062: Duplicate entry : INSERT\n";
        assert_eq!(misread(text).count(), 1);
    }
}
