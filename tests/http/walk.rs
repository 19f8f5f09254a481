//! The walk on a page (a connector's README, a guide) is sent as it stands there, and answered as it stands there.

use serde_json::Value as Json;
use tests::libraries::clone_folder;

use crate::client::{Answer, request};
use crate::gateway::Gateway;
use crate::logs::statements_of;

/// How a line of the README begins that shows what the log says.
const LOGGED: &str = "# log: ";

/// A command with its answer, and the statement that it is logged with where the README shows it.
struct Step {
    words: Vec<String>,
    answer: String,
    statement: Option<String>,
}

/// Walks through the block of commands under the heading `## A walk` of a page.
pub(crate) fn through(readme: &str, gateway: &Gateway, key: &str) {
    let text = std::fs::read_to_string(clone_folder().join(readme)).unwrap();
    let (_, walk) = text.split_once("## A walk").unwrap();
    let (_, block) = walk.split_once("```console\n").unwrap();
    let steps = steps(block.split_once("```").unwrap().0);
    assert!(!steps.is_empty(), "{readme} has no walk");
    for Step { words, answer, statement } in steps {
        let (logged, given) = curl(&words, gateway, key);
        assert_eq!((given.status, given.body.as_str()), (200, answer.as_str()), "{words:?}");
        if let Some(statement) = statement {
            assert_eq!(logged[0]["statement"], statement, "{words:?}");
        }
    }
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.replace("\\\n", " ").lines().filter(|line| !line.is_empty()) {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { words: words(command), answer: String::new(), statement: None });
        } else if let Some(statement) = line.strip_prefix(LOGGED) {
            steps.last_mut().unwrap().statement = Some(statement.to_owned());
        } else {
            steps.last_mut().unwrap().answer.push_str(line);
        }
    }
    steps
}

/// The words of a command, as a shell takes them apart.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quote, mut word) = (Vec::new(), None, String::new());
    for character in command.chars() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => word.push(character),
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if character == ' ' => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
            }
            None => word.push(character),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Does what `curl` would do.
fn curl(words: &[String], gateway: &Gateway, key: &str) -> (Vec<Json>, Answer) {
    let mut words = words.iter().map(String::as_str);
    assert_eq!(words.next(), Some("curl"));
    let (mut verb, mut address, mut parameters, mut body) = ("GET", "", Vec::new(), None);
    while let Some(word) = words.next() {
        match word {
            "-G" => {}
            "-H" => assert_eq!(words.next(), Some("X-DreamFactory-API-Key: $KEY")),
            "--data-urlencode" | "-d" => parameters.push(words.next().unwrap().split_once('=').unwrap()),
            "-X" => verb = words.next().unwrap(),
            "--json" if verb == "GET" => (verb, body) = ("POST", words.next()),
            "--json" => body = words.next(),
            url => address = url.strip_prefix("http://127.0.0.1:8080").unwrap(),
        }
    }
    let request = crate::sales::with(request(verb, address).key(key), &parameters);
    statements_of(
        gateway,
        match body {
            Some(body) => request.body(body),
            None => request,
        },
    )
}
