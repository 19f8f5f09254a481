//! The run: texts are taken to the places of each database, and everything that comes of it is judged.
//!
//! `TABLEGATE_INJECTION_EVERY=1` takes each text to each place; without it one of [`EVERY`] comes to a place, another one to the next.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Instant;

use futures_util::future::join_all;

use crate::client::RUNTIME;
use crate::connection::Connection;
use crate::oracle::{Known, problems};
use crate::places::{Asked, Place, places};
use crate::shape::Given;
use crate::texts;
use crate::world::{KEY, World};

/// So many texts go past a place where no other number is asked for.
const EVERY: usize = 200;
/// Texts that are sent before the log is read.
const CHUNK: usize = 200;
/// More defects of a place tell nothing new.
const ENOUGH: usize = 3;
/// A run that passes by at most so many has at least so many requests on each database.
const WHOLE: [usize; 2] = [10, 117_000];
/// The most memory that the gateway may take, in MiB.
const MEMORY: u64 = 700;

#[test]
fn no_text_becomes_a_part_of_a_statement_in_a_file() {
    attack(World::of_file());
}

#[test]
fn no_text_becomes_a_part_of_a_statement_on_postgres() {
    attack(World::of_postgres());
}

#[test]
fn no_text_becomes_a_part_of_a_statement_on_mariadb() {
    attack(World::of_mariadb());
}

/// What was done and found.
#[derive(Default)]
struct Report {
    requests: BTreeMap<String, usize>,
    statements: usize,
    defects: Vec<String>,
}

struct Attack {
    world: World,
    known: Known,
    lanes: Vec<Connection>,
    report: Report,
}

/// A text and its requests.
struct Shot {
    text: &'static str,
    asked: Vec<Asked>,
}

fn attack(world: World) {
    let began = Instant::now();
    let every = std::env::var("TABLEGATE_INJECTION_EVERY").map_or(EVERY, |every| every.parse().unwrap());
    let places = places(world.connector);
    let lanes = (0..8).map(|_| Connection::new(world.gateway.address, KEY)).collect();
    let mut attack = Attack { known: Known::new(world.quoting), world, lanes, report: Report::default() };
    attack.learn_ambient();
    attack.notices_an_intruder(places.iter().find(|place| place.name == "value of =").unwrap());
    for (number, place) in places.iter().enumerate() {
        let step = every * place.every;
        let texts = texts::all().iter().skip(number % step).step_by(step);
        attack.visit(place, &texts.map(String::as_str).collect::<Vec<_>>());
    }
    let total = attack.end(began);
    let [most, least] = WHOLE;
    assert!(every > most || total >= least, "only {total} requests");
}

impl Attack {
    /// What the gateway asks a database without being told what.
    fn learn_ambient(&mut self) {
        let paths = [
            "",
            "_table",
            "_schema",
            "_proc",
            "_func",
            "_table?refresh=true",
            "_schema?ids=customers,orders,tags,order_tags,sink,keyed,made",
            "_table/nobody",
            "_schema/nobody",
            "_proc/nobody",
            "_func/nobody?describe=true",
            "_func?ids=say",
            "_proc?ids=keep",
        ];
        for path in paths {
            let asked = Asked {
                method: "GET".to_owned(),
                target: format!("/api/v2/store/{path}"),
                headers: Vec::new(),
                body: Vec::new(),
            };
            self.fire(&[Shot { text: path, asked: vec![asked] }], 1);
            let statements = self.world.statements();
            self.known.learn_ambient(&statements);
        }
        // How a change ends that does not go well.
        self.known.learn_ambient(&["ROLLBACK".to_owned()]);
    }

    /// The oracle is awake: it takes a statement that was injected for a stranger.
    fn notices_an_intruder(&mut self, place: &Place) {
        self.learn(place);
        self.fire(&[Shot { text: "x", asked: place.fill("x") }], 1);
        let clean = self.world.statements();
        assert!(!clean.is_empty(), "the log has no statement");
        assert_eq!(self.known.stranger(&clean, None), None);
        for injected in ["SELECT id FROM customers WHERE name = '' OR 1=1 -- '", "SELEC 1 FROM customers"] {
            let statements = self.world.intrude(injected);
            let stranger = self.known.stranger(&statements, None);
            assert!(stranger.is_some(), "nobody notices {injected}: {statements:?}");
        }
    }

    /// Shows which statements the clean requests of a place make.
    fn learn(&mut self, place: &Place) {
        self.known.begin(place.is_grammar);
        // Where a text is a name of its own, it is told from those of the catalogue one by one.
        let at_once = if place.is_given { 1 } else { place.clean.len() };
        for texts in place.clean.chunks(at_once) {
            let shots: Vec<Shot> =
                texts.iter().map(|text| Shot { text: "", asked: place.fill(text) }).collect();
            let found = self.fire(&shots, place.lanes);
            self.report
                .defects
                .extend(found.into_iter().map(|defect| format!("{}, clean: {defect}", place.name)));
            let given = place.is_given.then(|| Given::new(texts.iter().map(String::as_str)));
            let statements = self.world.statements();
            self.known.learn(&statements, given.as_ref());
        }
    }

    fn visit(&mut self, place: &Place, texts: &[&'static str]) {
        self.learn(place);
        let before = self.report.defects.len();
        for texts in texts.chunks(CHUNK) {
            let shots: Vec<Shot> = texts.iter().map(|text| Shot { text, asked: place.fill(text) }).collect();
            *self.report.requests.entry(place.name.clone()).or_default() +=
                shots.iter().map(|shot| shot.asked.len()).sum::<usize>();
            let found = self.fire(&shots, place.lanes);
            self.report.defects.extend(found.into_iter().map(|defect| format!("{}: {defect}", place.name)));
            self.judge(place, &shots);
            if self.report.defects.len() >= before + ENOUGH {
                return;
            }
        }
    }

    /// Looks at what the database was asked meanwhile. Of a stranger it is told which request brings it, if it comes again.
    fn judge(&mut self, place: &Place, shots: &[Shot]) {
        let given = place.is_given.then(|| Given::new(shots.iter().map(|shot| shot.text)));
        let statements = self.world.statements();
        self.report.statements += statements.len();
        let Some(stranger) = self.known.stranger(&statements, given.as_ref()).cloned() else { return };
        let mut found = Vec::new();
        for shot in shots {
            self.fire(std::slice::from_ref(shot), 1);
            let statements = self.world.statements();
            if let Some(sql) = self.known.stranger(&statements, given.as_ref()) {
                found.push(format!("{}: {:?} makes the statement {sql}", place.name, shot.text));
            }
            if found.len() == ENOUGH {
                break;
            }
        }
        if found.is_empty() {
            let (first, last) = (shots.first().map(|shot| shot.text), shots.last().map(|shot| shot.text));
            found.push(format!(
                "{}: a text from {first:?} to {last:?} made the statement {stranger}",
                place.name
            ));
        }
        self.report.defects.extend(found);
    }

    /// Sends everything, on so many connections, and tells what is wrong with the answers.
    fn fire(&mut self, shots: &[Shot], lanes: usize) -> Vec<String> {
        let work = self.lanes.iter_mut().take(lanes).enumerate().map(|(first, connection)| async move {
            let mut found = Vec::new();
            for shot in shots.iter().skip(first).step_by(lanes) {
                for asked in &shot.asked {
                    let wrong = match connection.ask(asked).await {
                        Ok(answer) => problems(&answer, shot.text),
                        Err(problem) => vec![problem],
                    };
                    let body = String::from_utf8_lossy(&asked.body);
                    found.extend(wrong.into_iter().map(|wrong| {
                        format!(
                            "{:?}: {} {} {:?} {body}\n    {wrong}",
                            shot.text, asked.method, asked.target, asked.headers
                        )
                    }));
                }
            }
            found
        });
        RUNTIME.block_on(join_all(work)).into_iter().flatten().collect()
    }

    /// Tells what was done and found; how many requests there were.
    fn end(mut self, began: Instant) -> usize {
        self.report.defects.extend(self.world.damage());
        let peak = self.world.peak_memory();
        if peak > MEMORY {
            self.report.defects.push(format!("the gateway took {peak} MiB, expected at most {MEMORY}"));
        }
        let Report { requests, statements, defects } = &self.report;
        let total: usize = requests.values().sum();
        let mut told = format!(
            "injection, {}: {total} requests in {} places, {statements} statements, {} defects, {peak} MiB, {:.0} s\n",
            self.world.connector,
            requests.len(),
            defects.len(),
            began.elapsed().as_secs_f64(),
        );
        for (place, count) in requests {
            told.push_str(&format!("    {count:>7} {place}\n"));
        }
        // Past the test harness, which would keep it to itself.
        std::io::stdout().write_all(told.as_bytes()).unwrap();
        assert!(
            defects.is_empty(),
            "{} defects on {}:\n{}",
            defects.len(),
            self.world.connector,
            defects.join("\n")
        );
        total
    }
}
