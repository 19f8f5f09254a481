//! The configuration of a service.

use std::path::{Path, PathBuf};

use connector_api::{Error, ErrorKind, Result};
use connector_common::timeout::{self, Timeout};
use schemars::JsonSchema;
use serde::Deserialize;

/// Configuration of a service of type `sqlite`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Path of the database file; a relative one starts in the gateway's working directory. Always a plain path: `:memory:` and
    /// `file:` have no meaning of their own.
    database: PathBuf,
    /// Create the file when it is missing. Otherwise a missing file is an error.
    #[serde(default)]
    pub(crate) create: bool,
    /// Open the file for reading only.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// Threads with a connection each: how many statements run at the same time. 1 to 64.
    #[serde(default = "two_threads")]
    #[schemars(range(min = 1, max = 64))]
    pub(crate) threads: usize,
    /// Statements that may wait for a thread. What gets no place or no thread within `busy_timeout` is refused as busy and never run. 0 to
    /// 100000.
    #[serde(default = "queue_length")]
    #[schemars(range(max = 100_000))]
    pub(crate) queue: usize,
    /// How long a statement waits while another process holds the file locked: milliseconds, or a text like `"500ms"`, `"5s"`, `"1m"`.
    #[serde(default = "five_seconds")]
    pub(crate) busy_timeout: Timeout,
    /// How long a transaction may be idle between two calls before it is undone; as `busy_timeout` is written.
    #[serde(default = "five_seconds")]
    pub(crate) session_timeout: Timeout,
    /// How long a transaction may be open in all before it is undone, however busy; as `busy_timeout` is written. One that writes keeps
    /// all other writers waiting: so long at most. Give more where long uploads have to be all or nothing.
    #[serde(default = "a_minute")]
    pub(crate) session_lifetime: Timeout,
}

fn two_threads() -> usize {
    2
}

fn queue_length() -> usize {
    256
}

fn five_seconds() -> Timeout {
    Timeout::seconds(5)
}

/// Some millions of small rows on a fast line; twice what the gateway waits for an upload that stands still.
fn a_minute() -> Timeout {
    Timeout::seconds(60)
}

impl Config {
    /// Checks what the types alone can't.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] that names the key and what it takes.
    pub(crate) fn validate(&self) -> Result<()> {
        let problem = if self.database.as_os_str().is_empty() {
            "'database' is empty; give the path of a database file"
        } else if !(1..=64).contains(&self.threads) {
            "'threads' must be between 1 and 64"
        } else if self.queue > 100_000 {
            "'queue' must be at most 100000"
        } else if self.create && self.read_only {
            "'create' and 'read_only' exclude each other"
        } else {
            return timeout::more_than_zero(&[
                ("session_timeout", self.session_timeout),
                ("session_lifetime", self.session_lifetime),
            ]);
        };
        Err(Error::new(ErrorKind::InvalidRequest, problem))
    }

    /// The file. SQLite reads special meanings into some names (`:memory:`, `file:…`, an empty one); none of them begins with a dot or
    /// a slash.
    pub(crate) fn path(&self) -> PathBuf {
        if self.database.is_absolute() { self.database.clone() } else { Path::new(".").join(&self.database) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn parse(value: serde_json::Value) -> std::result::Result<Config, String> {
        let config: Config = serde_json::from_value(value).map_err(|error| error.to_string())?;
        config.validate().map_err(|error| error.message)?;
        Ok(config)
    }

    #[test]
    fn the_path_alone_is_enough() {
        let config = parse(json!({"database": "a.db"})).unwrap();
        assert_eq!((config.threads, config.create, config.read_only), (2, false, false));
        assert_eq!(config.busy_timeout.0, Duration::from_secs(5));
    }

    #[test]
    fn names_that_mean_something_to_the_driver_are_plain_paths() {
        for name in [":memory:", "file:x.db?mode=ro", "a.db"] {
            let path = parse(json!({"database": name})).unwrap().path();
            assert_eq!(path, Path::new(".").join(name));
        }
        assert_eq!(parse(json!({"database": "/a/b"})).unwrap().path(), Path::new("/a/b"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (config, word) in [
            (json!({}), "database"),
            (json!({"database": ""}), "database"),
            (json!({"database": "a", "thread": 1}), "thread"),
            (json!({"database": "a", "threads": 0}), "threads"),
            (json!({"database": "a", "threads": 65}), "threads"),
            (json!({"database": "a", "queue": 100_001}), "queue"),
            (json!({"database": "a", "busy_timeout": "5"}), "5s"),
            (json!({"database": "a", "busy_timeout": "2h"}), "5s"),
            (json!({"database": "a", "busy_timeout": -1}), "busy_timeout"),
            (json!({"database": "a", "session_timeout": "0s"}), "session_timeout"),
            (json!({"database": "a", "create": true, "read_only": true}), "exclude"),
        ] {
            let message = parse(config).unwrap_err();
            assert!(message.contains(word) || message.contains("untagged"), "{message}");
        }
    }
}
