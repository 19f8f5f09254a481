//! What is kept of a request while it runs, for those who watch: its id, the table that it turned out to be about and, where somebody wants
//! to know, what its steps were and how long they took. Decides nothing and logs nothing; what is not watched costs a look.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use connector_api::model::Operation;

/// The most steps that are kept of one request; more only add to the times.
const KEPT: usize = 128;

/// A request as it is watched. Where its id is wanted it stands for that.
#[derive(Debug)]
pub struct Trail {
    id: Box<str>,
    table: OnceLock<Arc<str>>,
    steps: OnceLock<Mutex<Steps>>,
}

/// What a step is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Finding out who calls.
    Auth,
    /// From text to the first call of a connector that is not about the catalogue.
    Plan,
    /// Waiting for a turn of the service.
    Wait,
    /// A call of a connector.
    Statement,
    /// Writing rows in the form of the answer.
    Encode,
}

impl Kind {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Auth, Self::Plan, Self::Wait, Self::Statement, Self::Encode];

    /// Its word in `Server-Timing`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Plan => "plan",
            Self::Wait => "wait",
            Self::Statement => "db",
            Self::Encode => "encode",
        }
    }
}

/// A step that is over.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it was spent on.
    pub kind: Kind,
    /// When it began.
    pub began: Instant,
    /// From its begin to its end.
    pub took: Duration,
    /// What was called in it.
    pub call: Option<Call>,
}

/// A call of a connector.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service's name.
    pub service: Box<str>,
    /// What was asked.
    pub operation: Operation,
    /// How many rows came.
    pub rows: u64,
    /// The statement with placeholders, where the connector has statements and came to the end.
    pub statement: Option<Box<str>>,
    /// It came to no end.
    pub is_broken: bool,
}

#[derive(Debug, Default)]
struct Steps {
    planning: Planning,
    list: Vec<Step>,
    /// For each kind its time.
    times: [Duration; Kind::ALL.len()],
}

#[derive(Debug, Default)]
enum Planning {
    #[default]
    Before,
    Since(Instant),
    Over,
}

impl Trail {
    /// The trail of a request with this id.
    pub fn new(id: impl Into<Box<str>>) -> Self {
        Self { id: id.into(), table: OnceLock::new(), steps: OnceLock::new() }
    }

    /// From now on steps are kept.
    pub fn watch(&self) {
        self.steps.get_or_init(Mutex::default);
    }

    /// Whether steps are kept.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.steps.get().is_some()
    }

    /// The begin of a step; `None`: nobody wants to know.
    #[must_use]
    pub fn begin(&self) -> Option<Instant> {
        self.is_watched().then(Instant::now)
    }

    /// The end of a step.
    pub fn end(&self, kind: Kind, began: Option<Instant>) {
        if let Some(began) = began {
            self.with(|steps| steps.push(Step { kind, began, took: began.elapsed(), call: None }));
        }
    }

    /// Planning begins. Only the first time counts: what a request asks of others is part of its own steps.
    pub fn planning(&self) {
        self.with(|steps| {
            if matches!(steps.planning, Planning::Before) {
                steps.planning = Planning::Since(Instant::now());
            }
        });
    }

    /// Planning is over.
    pub fn planned(&self) {
        self.with(|steps| {
            if let Planning::Since(began) = std::mem::replace(&mut steps.planning, Planning::Over) {
                steps.push(Step { kind: Kind::Plan, began, took: began.elapsed(), call: None });
            }
        });
    }

    /// A call is over. Its time was told by [`Trail::waited`].
    pub fn called(&self, began: Instant, call: Call) {
        let step = Step { kind: Kind::Statement, began, took: began.elapsed(), call: Some(call) };
        self.with(|steps| steps.keep(step));
    }

    /// A connector was waited for.
    pub fn waited(&self, time: Duration) {
        self.with(|steps| steps.add(Kind::Statement, time));
    }

    /// The time spent on steps of each kind.
    #[must_use]
    pub fn times(&self) -> [(Kind, Duration); Kind::ALL.len()] {
        let mut times = Kind::ALL.map(|kind| (kind, Duration::ZERO));
        self.with(|steps| times.iter_mut().zip(steps.times).for_each(|(time, known)| time.1 = known));
        times
    }

    /// Takes the steps out.
    #[must_use]
    pub fn take(&self) -> Vec<Step> {
        let mut list = Vec::new();
        self.with(|steps| list = std::mem::take(&mut steps.list));
        list
    }

    /// The request is about this table, unless another was found before.
    pub fn found(&self, table: &Arc<str>) {
        self.table.get_or_init(|| Arc::clone(table));
    }

    /// The name of the table that it is about, as the catalogue has it.
    #[must_use]
    pub fn table(&self) -> Option<&Arc<str>> {
        self.table.get()
    }

    fn with(&self, change: impl FnOnce(&mut Steps)) {
        if let Some(steps) = self.steps.get() {
            change(&mut steps.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Steps {
    fn push(&mut self, step: Step) {
        self.add(step.kind, step.took);
        self.keep(step);
    }

    fn keep(&mut self, step: Step) {
        if self.list.len() < KEPT {
            self.list.push(step);
        }
    }

    fn add(&mut self, kind: Kind, time: Duration) {
        for (known, sum) in Kind::ALL.iter().zip(&mut self.times) {
            if *known == kind {
                *sum = sum.saturating_add(time);
            }
        }
    }
}

impl Deref for Trail {
    type Target = str;

    fn deref(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl From<&str> for Trail {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(trail: &Trail) -> Vec<Kind> {
        trail.take().iter().map(|step| step.kind).collect()
    }

    #[test]
    fn nothing_is_kept_until_somebody_watches() {
        let trail = Trail::new("a");
        let step = || {
            trail.planning();
            trail.planned();
            trail.end(Kind::Auth, trail.begin());
        };
        step();
        assert_eq!((trail.begin(), kinds(&trail)), (None, vec![]));
        trail.watch();
        step();
        assert_eq!(kinds(&trail), [Kind::Plan, Kind::Auth]);
    }

    #[test]
    fn only_the_first_planning_counts() {
        let trail = Trail::new("a");
        trail.watch();
        trail.planned();
        trail.planning();
        assert_eq!(kinds(&trail), []);
        let trail = Trail::new("a");
        trail.watch();
        for _ in 0..2 {
            trail.planning();
            trail.planned();
        }
        assert_eq!(kinds(&trail), [Kind::Plan]);
    }

    #[test]
    fn steps_are_bounded_and_times_go_on() {
        let trail = Trail::new("a");
        trail.watch();
        let step = Step { kind: Kind::Wait, began: Instant::now(), took: Duration::from_secs(1), call: None };
        for _ in 0..2 * KEPT {
            trail.with(|steps| steps.push(step.clone()));
        }
        trail.waited(Duration::from_secs(3));
        assert_eq!(kinds(&trail).len(), KEPT);
        let times = trail.times().map(|(_, time)| time.as_secs());
        assert_eq!(times, [0, 0, 2 * KEPT as u64, 3, 0]);
    }

    #[test]
    fn the_table_found_first_stays() {
        let trail = Trail::new("a");
        trail.found(&"orders".into());
        trail.found(&"customers".into());
        assert_eq!(trail.table().map(|table| &**table), Some("orders"));
    }
}
