//! The run: the peak first, then a part of it for minutes, with everything that happens meanwhile.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::client::RUNTIME;
use crate::figures::{Sample, sample, table};
use crate::load::{Load, Outcome};
use crate::rude;
use crate::world::{SERVICES, World};

/// So long the peak is measured.
const PEAK: Duration = Duration::from_secs(5);
/// The part of the peak that is asked for.
const PART: f64 = 0.6;
/// Seconds from one reload to the next.
const RELOAD: u64 = 5;
/// Seconds from one restart of a database to the next.
const RESTART: u64 = 20;

/// The length of the run.
fn minutes() -> f64 {
    let asked = std::env::var("TABLEGATE_SOAK_MINUTES");
    asked.map_or(3.0, |minutes| minutes.parse().expect("TABLEGATE_SOAK_MINUTES is a number"))
}

/// What happens to the gateway and its databases, one thing after the other.
fn events(world: &Arc<World>, load: &Arc<Load>) -> std::thread::JoinHandle<()> {
    let (world, load) = (Arc::clone(world), Arc::clone(load));
    std::thread::spawn(move || {
        for second in 1_u64.. {
            load.lasts(Duration::from_secs(1));
            if load.is_over() {
                break;
            }
            if second.is_multiple_of(RELOAD) {
                world.reload();
            }
            if second.is_multiple_of(RESTART) {
                let is_first = second.is_multiple_of(2 * RESTART);
                world.restart(SERVICES[if is_first { 1 } else { 2 }]);
            }
        }
    })
}

/// A sample each second, as long as the load goes on.
fn samples(world: &Arc<World>, load: &Arc<Load>) -> JoinHandle<Vec<Sample>> {
    let (gateway, load) = (world.gateway.pid(), Arc::clone(load));
    RUNTIME.spawn(async move {
        let (mut samples, mut pace) = (Vec::new(), interval(Duration::from_secs(1)));
        while !load.is_over() {
            pace.tick().await;
            samples.push(sample(gateway).unwrap());
        }
        samples
    })
}

/// The most answers in a second that the clients get.
fn peak(world: &Arc<World>) -> f64 {
    let load = Load::new(world);
    let clients = load.clients(None);
    let began = Instant::now();
    load.lasts(PEAK);
    let outcome = load.end(clients);
    assert!(outcome.failures.is_empty() && outcome.excused == 0, "{outcome:?}");
    f64::from(u32::try_from(outcome.answers).unwrap()) / began.elapsed().as_secs_f64()
}

#[test]
fn minutes_of_load_leave_no_trace_and_fail_no_request() {
    let world = Arc::new(World::start());
    let peak = peak(&world);
    let load = Load::new(&world);
    let mut clients = load.clients(Some(peak * PART));
    clients.push(rude::clients(&world, &load));
    let (samples, events) = (samples(&world, &load), events(&world, &load));
    load.lasts(Duration::from_secs_f64(minutes() * 60.0));
    let Outcome { answers, excused, failures } = load.end(clients);
    events.join().unwrap();
    let (table, grown) = table(&RUNTIME.block_on(samples).unwrap());
    // Past the harness, which keeps what a passing test prints.
    let _ = writeln!(
        std::io::stdout(),
        "{} minutes, peak {peak:.0} answers/s, {answers} answers at {:.0} %, {excused} refused while a database was away, \
         {} reloads, {} restarts of databases\n{table}",
        minutes(),
        PART * 100.0,
        world.reloads(),
        world.restarts(),
    );
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(grown.is_empty(), "grown too far: {grown:?}\n{table}");
    assert!(world.reloads() > 0 && world.restarts() > 0);
}
