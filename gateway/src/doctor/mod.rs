//! What is wrong with an installation, and what to do about it: looks at configuration, files, libraries, stores and the system, from the
//! outside of a gateway that may be running. Changes nothing, keeps nothing, prints nothing.
//!
//! * [`Examination`]: all of it, in this order.
//! * `settings`, `files`, `libraries`, `services`, `listener`, `system`: what is looked at.
//! * [`bundle`]: the same for somebody else to read, without secrets; `scrub`: takes them out of texts.

pub mod bundle;
mod files;
mod libraries;
mod listener;
mod scrub;
mod services;
mod settings;
mod system;

use std::fmt;

use serde::Serialize;

use self::scrub::Scrubber;
pub use self::services::{Visit, visit};
use crate::app::{self, Read};
use crate::connectors::Registry;
use crate::settings::{LoadOptions, Settings, Written};
use crate::telemetry;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and could hurt.
    Warning,
    /// Something does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at: `configuration`, `plugins`, `service`, …
    pub area: &'static str,
    /// What was found. Holds no secret.
    pub what: String,
    /// What to do about it; there unless all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    fn ok(area: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Ok, area, what: what.into(), remedy: None }
    }

    fn warning(area: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warning, area, what: what.into(), remedy: Some(remedy.into()) }
    }

    fn problem(area: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Problem, area, what: what.into(), remedy: Some(remedy.into()) }
    }

    fn cleaned(mut self, clean: impl Fn(&str) -> String) -> Self {
        self.what = clean(&self.what);
        self.remedy = self.remedy.map(|remedy| clean(&remedy));
        self
    }
}

/// A line for a person, and one for the remedy.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Problem => "problem",
        };
        write!(f, "{level:<8} {:<14} {}", self.area, self.what)?;
        self.remedy.iter().try_for_each(|remedy| write!(f, "\n{:>23} {remedy}", "->"))
    }
}

/// All that was found, and what it was found with.
pub struct Examination {
    /// Everything that was looked at, in the order of looking.
    pub findings: Vec<Finding>,
    settings: Option<Settings>,
    registry: Option<Registry>,
    written: Written,
    secrets: Vec<String>,
}

impl Examination {
    /// Looks at everything. Opens each active service and asks its store; waits for none longer than some seconds.
    pub async fn make(options: &LoadOptions) -> Self {
        let written = Written::read(options);
        let Read { settings, registry, problems } = app::read(options, telemetry::max_level());
        let mut findings = settings::problems(&written, problems);
        findings.extend(files::of_configuration(&written));
        if let Some(settings) = &settings {
            findings.extend(settings::cautions(settings));
            findings.extend(files::state(settings));
        }
        if let (Some(settings), Some(registry)) = (&settings, &registry) {
            findings.extend(libraries::findings(settings, registry));
            findings.extend(services::findings(settings, registry).await);
        }
        if let Some(settings) = &settings {
            findings.extend(listener::findings(settings));
        }
        findings.extend(system::findings(settings.as_ref(), registry.as_ref()));
        let secrets = settings::secrets(&written, settings.as_ref());
        let scrubber = Scrubber::new(secrets.iter().map(String::as_str));
        let findings =
            findings.into_iter().map(|finding| finding.cleaned(|text| scrubber.known(text))).collect();
        Self { findings, settings, registry, written, secrets }
    }

    /// Whether something does not work.
    #[must_use]
    pub fn has_problem(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Problem)
    }
}
