//! Connections to PostgreSQL and MariaDB that are cut, stall or drip at every place of a conversation: each answer is right or a clear
//! error, no write that was acknowledged is lost, and none is done twice.

use serde_json::{Value as Json, json};

use crate::client::Request;
use crate::engine::{Engine, Kind, MANY, MARIADB, POSTGRES};
use crate::fault_proxy::{Fault, Place, Proxy};
use crate::gateway::{Gateway, eventually};
use crate::staying_up::{asks, gateway};

/// What is asked of the gateway while something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Read,
    Create,
    /// Several records, which are one transaction.
    CreateAll,
    Change,
    Remove,
    /// Two operations of one transaction of the gateway's own.
    Batch,
}

const VERBS: [Verb; 6] = [Verb::Read, Verb::Create, Verb::CreateAll, Verb::Change, Verb::Remove, Verb::Batch];

/// Which place of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connect,
    Greeting,
    Login,
    Prepare,
    Prepared,
    Execute,
    Executed,
    Commit,
    Committed,
}

const PHASES: [Phase; 9] = [
    Phase::Connect,
    Phase::Greeting,
    Phase::Login,
    Phase::Prepare,
    Phase::Prepared,
    Phase::Execute,
    Phase::Executed,
    Phase::Commit,
    Phase::Committed,
];

/// A service of its own behind a proxy of its own, for something that happens once.
struct Case {
    fault: Fault,
    phase: Phase,
    verb: Verb,
    name: String,
    proxy: Proxy,
    /// The row that is read, changed or removed.
    row: i64,
}

impl Phase {
    /// Where it is in the conversation of a request about the text `mark`.
    fn place(self, mark: &str, is_mariadb: bool) -> Place {
        // The names of tables are quoted in statements, and not where the catalogue is asked for them.
        let table = if is_mariadb { "`marks`" } else { "\"marks\"" };
        match self {
            Self::Connect => Place::Connect,
            Self::Greeting => Place::Greeting,
            Self::Login => {
                Place::Said(if is_mariadb { "mysql_native_password" } else { "SCRAM-SHA-256" }.to_owned())
            }
            Self::Prepare => Place::Said(table.to_owned()),
            Self::Prepared => Place::Answered(table.to_owned()),
            Self::Execute => Place::Said(mark.to_owned()),
            Self::Executed => Place::Answered(mark.to_owned()),
            Self::Commit => Place::Said("COMMIT".to_owned()),
            Self::Committed => Place::Answered("COMMIT".to_owned()),
        }
    }

    /// Whether it is one of a new connection.
    fn is_before_login(self) -> bool {
        matches!(self, Self::Connect | Self::Greeting | Self::Login)
    }
}

impl Case {
    fn all(engine: &Engine, faults: &[Fault]) -> Vec<Self> {
        let mut cases = Vec::new();
        for (fault, phase, verb) in faults.iter().flat_map(|fault| {
            PHASES.iter().flat_map(move |phase| VERBS.iter().map(move |verb| (*fault, *phase, *verb)))
        }) {
            let is_transaction = matches!(verb, Verb::CreateAll | Verb::Batch);
            if matches!(phase, Phase::Commit | Phase::Committed) && !is_transaction {
                continue;
            }
            let name = format!("{fault:?}-{phase:?}-{verb:?}").to_lowercase();
            cases.push(Self { fault, phase, verb, name, proxy: Proxy::before(engine.port()), row: 0 });
        }
        let values: Vec<_> = cases.iter().map(|case| format!("('row {}')", case.name)).collect();
        engine.sql(&format!("INSERT INTO marks (mark) VALUES {}", values.join(", ")));
        for case in &mut cases {
            case.row = engine
                .sql(&format!("SELECT id FROM marks WHERE mark = 'row {}'", case.name))
                .parse()
                .unwrap();
        }
        cases
    }

    fn mark(&self) -> String {
        format!("mark {}", self.name)
    }

    fn request(&self) -> Request {
        let (path, mark) = (format!("{}/_table/marks", self.name), self.mark());
        match self.verb {
            Verb::Read => asks("GET", &path)
                .with("filter", format!("(id = {}) and (mark != '{mark}')", self.row))
                .with("fields", "id"),
            Verb::Create => asks("POST", &path).body(json!({"resource": [{"mark": mark}]})),
            Verb::CreateAll => {
                asks("POST", &path).body(json!({"resource": [{"mark": mark}, {"mark": "second"}]}))
            }
            Verb::Change => asks("PATCH", &format!("{path}/{}", self.row)).body(json!({"note": mark})),
            Verb::Remove => {
                asks("DELETE", &path).with("filter", format!("(id = {}) and (mark != '{mark}')", self.row))
            }
            Verb::Batch => asks("POST", &format!("{}/_batch", self.name)).body(json!({"operations": [
                {"method": "POST", "path": "_table/marks", "body": {"resource": [{"mark": mark}]}},
                {"method": "GET", "path": "_table/marks", "query": {"limit": 1}},
            ]})),
        }
    }

    /// How often the write was done.
    fn deeds(&self, engine: &Engine) -> usize {
        match self.verb {
            Verb::Read => 0,
            Verb::Remove => engine.deeds(&format!("row {} gone", self.name)),
            _ => engine.deeds(&self.mark()),
        }
    }

    /// It happens, and the answer is right or a clear error.
    fn run(&self, gateway: &Gateway, engine: &Engine) {
        let name = &self.name;
        let is_well =
            || gateway.send(asks("GET", &format!("{name}/_table/marks?fields=id&limit=1"))).status == 200;
        eventually("the service is there", is_well);
        // Then a new connection is needed. (Unless the old one is used before anybody knows that it is cut.)
        if self.phase.is_before_login() {
            self.proxy.cut_all();
        }
        self.proxy.set(self.phase.place(&self.mark(), engine.kind.is_mariadb()), self.fault, 1);
        let answer = self.request().send(gateway.address);
        let is_sure = !self.phase.is_before_login();
        assert!(!is_sure || self.proxy.struck() == 1, "{name}: it did not happen");
        let (status, body) = (answer.status, &answer.body);
        // In a batch its operation may be what runs out of time.
        let told = status == 504 || body.contains("unknown_outcome") || body.contains(r#""kind":"deadline""#);
        match (self.verb, self.fault) {
            (_, Fault::Drip) if is_sure => assert_eq!(status, 200, "{name}: {body}"),
            // It is done again on another connection.
            (Verb::Read, Fault::Cut) if is_sure => assert_eq!(status, 200, "{name}: {body}"),
            _ => assert!(
                matches!(status, 200 | 503 | 504) || told || body.contains("connection"),
                "{name}: {status} {body}"
            ),
        }
        self.proxy.heal();
        eventually("it works again", is_well);
        self.is_as_told(status, told, engine);
        // The server has room for so many only.
        self.proxy.cut_all();
    }

    /// What the answer says is so.
    fn is_as_told(&self, status: u16, is_in_doubt: bool, engine: &Engine) {
        let deeds = self.deeds(engine);
        let name = &self.name;
        match status {
            _ if self.verb == Verb::Read => assert_eq!(deeds, 0),
            200 => assert_eq!(deeds, 1, "{name} was acknowledged"),
            _ if is_in_doubt => assert!(deeds <= 1, "{name} was done {deeds} times"),
            _ => assert_eq!(deeds, 0, "{name} was refused with {status}"),
        }
    }
}

fn services(engine: &Engine, cases: &[Case]) -> String {
    let keys = |case: &Case| json!({"port": case.proxy.port, "pool_size": 1, "connect_timeout": "2m", "acquire_timeout": "2m"});
    cases.iter().map(|case| engine.service(&case.name, &keys(case))).collect()
}

fn all_places(kind: &'static Kind) {
    let engine = kind.start();
    let quick = Case::all(&engine, &[Fault::Cut, Fault::Drip]);
    let stalled = Case::all(&engine, &[Fault::Stall]);
    let patient = gateway(&engine, &services(&engine, &quick), "");
    let hasty = gateway(&engine, &services(&engine, &stalled), "[server]\nrequest_timeout = \"4s\"");
    std::thread::scope(|threads| {
        // Those that stall wait most of the time, so many of them wait at once.
        for (cases, gateway, at_once) in [(&stalled, &hasty, 16), (&quick, &patient, 4)] {
            for some in cases.chunks(cases.len().div_ceil(at_once)) {
                let engine = &engine;
                threads.spawn(move || some.iter().for_each(|case| case.run(gateway, engine)));
            }
        }
    });
    a_stalled_service_holds_up_no_other_of_its_connector(&engine);
    an_answer_that_breaks_off_does_not_look_complete(&engine);
    a_thousand_rounds_leave_nothing_behind(&engine);
}

#[test]
fn postgresql_behind_a_bad_line_is_told_of_truly() {
    all_places(&POSTGRES);
}

#[test]
fn mariadb_behind_a_bad_line_is_told_of_truly() {
    all_places(&MARIADB);
}

fn a_stalled_service_holds_up_no_other_of_its_connector(engine: &Engine) {
    let proxy = Proxy::before(engine.port());
    let far = engine.service("far", &json!({"port": proxy.port}));
    let gateway = gateway(engine, &(far + &engine.service("near", &json!({}))), "");
    let reads = |service: &str| asks("GET", &format!("{service}/_table/many/1?fields=id"));
    for place in [Place::Connect, Place::Said("many".to_owned())] {
        eventually("it works", || gateway.send(reads("far")).status == 200);
        proxy.cut_all();
        proxy.set(place, Fault::Stall, usize::MAX);
        let stalled: Vec<_> = (0..50).map(|_| reads("far").send_only(gateway.address)).collect();
        eventually("requests stall", || proxy.struck() > 0);
        for _ in 0..20 {
            gateway.send(reads("near")).is_ok(r#"{"id":1}"#);
        }
        drop(stalled);
        proxy.heal();
    }
}

fn an_answer_that_breaks_off_does_not_look_complete(engine: &Engine) {
    let proxy = Proxy::before(engine.port());
    let gateway = gateway(engine, &engine.service("store", &json!({"port": proxy.port})), "");
    let all = || asks("GET", &format!("store/_table/many?order=id&limit={MANY}")).open(gateway.address);
    let (whole, is_cut) = all().bytes();
    assert!(!is_cut && whole.ends_with(b"]}"));
    proxy.set(Place::Heard("row-900-".to_owned()), Fault::Cut, 1);
    let (part, is_cut) = all().bytes();
    assert_eq!(proxy.struck(), 1);
    let is_error = part.starts_with(br#"{"error""#);
    assert!(is_cut || is_error, "{}", String::from_utf8_lossy(&part[part.len().saturating_sub(200)..]));
    proxy.set(Place::Heard("row-900-".to_owned()), Fault::Drip, 1);
    assert_eq!(all().bytes(), (whole, false));
}

/// What may stay behind: less than 8 KiB for each round, where an answer of 900 rows has 300 KiB.
const MEMORY_LIMIT: usize = 8 * 1024 * 1024;

fn a_thousand_rounds_leave_nothing_behind(engine: &Engine) {
    let proxy = Proxy::before(engine.port());
    let service = engine.service("store", &json!({"port": proxy.port, "pool_size": 4}));
    let gateway = gateway(engine, &service, "");
    rounds(&gateway, &proxy, 200);
    let is_settled = || engine.connections() <= 4;
    eventually("no more connections than the pool has", is_settled);
    let before = (memory(&gateway), descriptors(&gateway));
    rounds(&gateway, &proxy, 1000);
    eventually("no more connections than the pool has", is_settled);
    eventually("no more descriptors", || descriptors(&gateway) <= before.1 + 4);
    let after = memory(&gateway);
    assert!(after < before.0 + MEMORY_LIMIT, "{} bytes, and then {after}", before.0);
}

/// Reads, writes, errors, requests of which the client goes away, and cut connections.
fn rounds(gateway: &Gateway, proxy: &Proxy, count: usize) {
    let made =
        gateway.send(asks("POST", "store/_table/marks").body(json!({"resource": [{"mark": "rounds"}]})));
    let row = if made.status == 200 { made.json()["resource"][0]["id"].clone() } else { json!(1) };
    std::thread::scope(|threads| {
        for worker in 0..4 {
            let row = &row;
            threads.spawn(move || {
                (0..count / 4).for_each(|round| one_round(gateway, proxy, row, worker * count + round))
            });
        }
    });
    eventually("it works", || gateway.send(asks("GET", "store/_table/many/1")).status == 200);
}

fn one_round(gateway: &Gateway, proxy: &Proxy, row: &Json, number: usize) {
    let path = "store/_table/marks";
    let request = match number % 8 {
        0 => asks("GET", "store/_table/many?limit=20"),
        1 => asks("POST", path).body(json!({"resource": [{"mark": "round"}]})),
        2 => asks("PATCH", &format!("{path}/{row}")).body(json!({"note": number.to_string()})),
        3 => asks("POST", path).body(json!({"resource": [{"id": row}, {"id": row}]})),
        4 => asks("GET", "store/_table/missing"),
        5 => asks("GET", path).with("filter", "no_such_column = 1"),
        6 => return drop(asks("GET", "store/_table/slow").send_only(gateway.address)),
        _ => asks("GET", "store/_table/many?limit=900"),
    };
    if number % 50 == 7 {
        proxy.cut_all();
    }
    let (body, is_cut) = request.open(gateway.address).bytes();
    assert!(is_cut || serde_json::from_slice::<Json>(&body).is_ok(), "{}", String::from_utf8_lossy(&body));
}

/// Bytes that the process holds.
fn memory(gateway: &Gateway) -> usize {
    let pages = std::fs::read_to_string(format!("/proc/{}/statm", gateway.pid())).unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn descriptors(gateway: &Gateway) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", gateway.pid())).unwrap().count()
}
