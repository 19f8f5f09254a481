//! The texts that are sent: those of public lists, and some that are aimed at the tables of this suite.

use std::process::Command;
use std::sync::OnceLock;

use tests::libraries::clone_folder;

/// All texts, each once, in the same order every time.
pub(crate) fn all() -> &'static [String] {
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let script = clone_folder().join("tests/fixtures/injection/list.py");
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let output = Command::new(python).arg(script).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut texts: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
        // Spread over the others, so that a part of all texts has a part of them.
        let aimed: Vec<&str> = include_str!("aimed.txt").lines().filter(|line| !line.is_empty()).collect();
        let gap = texts.len() / aimed.len();
        for (nth, text) in aimed.iter().enumerate() {
            texts.insert(nth * (gap + 1), (*text).to_owned());
        }
        assert!(texts.len() > 8_000, "{} texts", texts.len());
        texts
    })
}
