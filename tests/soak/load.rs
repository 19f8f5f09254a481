//! What well-behaved clients ask, how fast, and which answers are failures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::client::{RUNTIME, Request};
use crate::kept::Kept;
use crate::world::{SERVICES, World, asks};

const CLIENTS: usize = 12;

/// The load of a time.
pub(crate) struct Load {
    world: Arc<World>,
    is_over: AtomicBool,
    answers: AtomicU64,
    /// Answers that said that a database is away, while it was.
    excused: AtomicUsize,
    /// What failed, and how often.
    failures: Mutex<BTreeMap<String, usize>>,
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answers: u64,
    pub(crate) excused: usize,
    pub(crate) failures: BTreeMap<String, usize>,
}

impl Load {
    pub(crate) fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            is_over: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            excused: AtomicUsize::new(0),
            failures: Mutex::default(),
        })
    }

    /// Clients that ask, all together so many times in a second; `None`: as often as they can.
    pub(crate) fn clients(self: &Arc<Self>, rate: Option<f64>) -> Vec<JoinHandle<()>> {
        let pause = rate.map(|rate| Duration::from_secs(CLIENTS.try_into().unwrap()).div_f64(rate));
        (0..CLIENTS).map(|first| RUNTIME.spawn(Arc::clone(self).client(first, pause))).collect()
    }

    async fn client(self: Arc<Self>, first: usize, pause: Option<Duration>) {
        let mut client = Kept::new(self.world.gateway.address, !first.is_multiple_of(4));
        let mut pace = interval(pause.unwrap_or(Duration::from_millis(1)));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in first.. {
            if self.is_over() {
                break;
            }
            if pause.is_some() {
                pace.tick().await;
            }
            self.ask(&mut client, number).await;
        }
    }

    async fn ask(&self, client: &mut Kept, number: usize) {
        let service = SERVICES[number % SERVICES.len()];
        let (request, is_stream) = request(service, number / SERVICES.len());
        let before = self.world.changes(service);
        let answer = client.ask(&request).await;
        let is_away = before % 2 == 1 || self.world.changes(service) != before;
        let wrong = match answer {
            Ok((200, _)) => {
                self.answers.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Ok((503 | 504, _)) if is_away => None,
            // Its head was sent before.
            Err(_) if is_away && is_stream => None,
            Ok((status, body)) => Some(format!("{service}: {status} {}", String::from_utf8_lossy(&body))),
            Err(error) => Some(format!("{service}: {error}")),
        };
        match wrong {
            None => drop(self.excused.fetch_add(1, Ordering::Relaxed)),
            Some(wrong) => *self.failures.lock().unwrap().entry(wrong).or_default() += 1,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Goes on for this time.
    pub(crate) fn lasts(&self, time: Duration) {
        RUNTIME.block_on(async { sleep(time).await });
    }

    /// Ends it, and waits until its clients have ended.
    pub(crate) fn end(&self, clients: Vec<JoinHandle<()>>) -> Outcome {
        self.is_over.store(true, Ordering::Relaxed);
        for client in clients {
            RUNTIME.block_on(client).unwrap();
        }
        Outcome {
            answers: self.answers.load(Ordering::Relaxed),
            excused: self.excused.load(Ordering::Relaxed),
            failures: std::mem::take(&mut self.failures.lock().unwrap()),
        }
    }
}

/// One of the requests of a service, and whether its answer is a stream.
fn request(service: &str, number: usize) -> (Request, bool) {
    let many = format!("{service}/_table/many");
    // The rows of the last service are in memory, and are to stay so many.
    let kinds = if service == SERVICES[3] { 2 } else { 10 };
    let note = json!({"resource": [{"mark": "soak", "note": format!("{number}")}]});
    match number % kinds {
        0 | 5 => (asks("GET", &format!("{many}/7")), false),
        1 => (asks("GET", &format!("{many}?filter=id%3E3&order=id&limit=50&include_count=true")), false),
        2 | 6 => (asks("POST", &format!("{service}/_table/marks")).body(note), false),
        3 => (asks("GET", &many).header("Accept", "text/csv"), true),
        4 => {
            (asks("GET", &format!("{service}/_table/marks?order=id desc&limit=1").replace(' ', "%20")), false)
        }
        7 => (
            asks("PATCH", &format!("{service}/_table/marks?filter=id%3D1"))
                .body(json!({"resource": [{"note": "x"}]})),
            false,
        ),
        _ => (asks("GET", &format!("{many}?ids=1,7&fields=id")), false),
    }
}
