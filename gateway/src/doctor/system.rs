//! What the system gives: limits, memory, clock, time zones. Reads files of the system only.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use rustix::process::{Resource, Rlimit, getrlimit};
use serde_json::{Value, json};

use super::Finding;
use crate::app;
use crate::connectors::Registry;
use crate::settings::Settings;

const LIMITS: &str = "limits";
const MEMORY: &str = "memory";
const CLOCK: &str = "clock";
/// Files of the process itself: libraries, log, epoll, timers.
const OWN_FILES: u64 = 100;
/// Without clients, with some services.
const LEAST_MEMORY: u64 = 128 * 1024 * 1024;
/// systemd keeps this file while the clock is set over the network.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";
const ZONES: &str = "/usr/share/zoneinfo";

/// The keys of connectors that say how many connections or threads a service has.
const POOLS: [&str; 2] = ["pool_size", "threads"];

/// Without settings, what the defaults need.
pub(super) fn findings(settings: Option<&Settings>, registry: Option<&Registry>) -> Vec<Finding> {
    let defaults = Settings::default();
    let settings = settings.unwrap_or(&defaults);
    let (pools, clients, threads) = (pools(settings), clients(settings), threads(settings, registry));
    vec![
        open_files(getrlimit(Resource::Nofile), pools, clients),
        processes(getrlimit(Resource::Nproc), threads),
        memory(),
        clock(registry),
        zones(),
    ]
}

/// Connections to databases that the services may open; twice the processors where a service does not say it.
fn pools(settings: &Settings) -> u64 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let services = settings.services.iter().filter(|service| service.is_active);
    let sizes = services.map(|service| {
        let given = POOLS.iter().find_map(|key| service.config.connector.get(*key)?.as_u64());
        given.unwrap_or(2 * processors)
    });
    sizes.fold(0, u64::saturating_add)
}

/// Connections of clients that the configuration allows.
fn clients(settings: &Settings) -> u64 {
    u64::try_from(settings.server.max_connections.get()).unwrap_or(u64::MAX)
}

fn threads(settings: &Settings, registry: Option<&Registry>) -> u64 {
    let connectors = registry.map_or(0, |registry| registry.connectors().len());
    let threads = app::workers(settings) + connectors * (settings.plugins.worker_threads.get() + 1);
    u64::try_from(threads).unwrap_or(u64::MAX).saturating_add(pools(settings))
}

fn in_words(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}

fn open_files(limit: Rlimit, pools: u64, clients: u64) -> Finding {
    let Rlimit { current, maximum } = limit;
    let what = format!(
        "open files: {} (at most {}); about {OWN_FILES} for the gateway, {pools} for databases, {clients} for clients",
        in_words(current),
        in_words(maximum),
    );
    let remedy =
        "raise it (LimitNOFILE= in the systemd unit, or `ulimit -n`), or lower `server.max_connections`";
    let without_clients = pools.saturating_add(OWN_FILES);
    match current {
        Some(current) if current <= without_clients => Finding::problem(LIMITS, what, remedy),
        Some(current) if current < without_clients.saturating_add(clients) => {
            Finding::warning(LIMITS, what, remedy)
        }
        _ => Finding::ok(LIMITS, what),
    }
}

fn processes(limit: Rlimit, needed: u64) -> Finding {
    let what =
        format!("processes and threads: {}; the gateway needs about {needed}", in_words(limit.current));
    match limit.current {
        Some(current) if current < needed.saturating_mul(2) => Finding::warning(
            LIMITS,
            what,
            "raise it: TasksMax= and LimitNPROC= in the systemd unit, or `ulimit -u`",
        ),
        _ => Finding::ok(LIMITS, what),
    }
}

/// What the machine has left, or the limit of the control group when that is lower.
fn memory() -> Finding {
    let of_group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let of_group = of_group.and_then(|text| text.trim().parse::<u64>().ok());
    let Some(available) = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text)) else {
        return Finding::ok(MEMORY, "not known here");
    };
    let available = of_group.map_or(available, |limit| limit.min(available));
    let what = format!("{} MiB can be used", available / (1024 * 1024));
    if available < LEAST_MEMORY {
        return Finding::warning(MEMORY, what, "give the machine or the container more");
    }
    Finding::ok(MEMORY, what)
}

fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Sessions and cursors end by the clock. A clock before the libraries were written is certainly wrong.
fn clock(registry: Option<&Registry>) -> Finding {
    let files =
        registry.into_iter().flat_map(|registry| registry.connectors()).map(|connector| connector.file());
    let written = files.filter_map(|file| fs::metadata(file).ok()?.modified().ok());
    if written.into_iter().any(|written| written > SystemTime::now()) {
        return Finding::problem(
            CLOCK,
            "the clock is behind: libraries were written later than now",
            "set the clock, and keep it set: systemd-timesyncd or chrony",
        );
    }
    let how = if Path::new(SYNCHRONIZED).exists() {
        "set over the network"
    } else {
        "whether it is set over the network is not known here"
    };
    Finding::ok(CLOCK, how)
}

fn zones() -> Finding {
    if Path::new(ZONES).is_dir() {
        return Finding::ok("time zones", "the system knows them");
    }
    Finding::ok(
        "time zones",
        "the system does not know them; the gateway does without, a third-party connector may not (package tzdata)",
    )
}

/// Facts of the system, for somebody who can't look at it.
pub(super) fn facts() -> Value {
    let limit = |resource| {
        let Rlimit { current, maximum } = getrlimit(resource);
        json!({ "soft": current, "hard": maximum })
    };
    let line = |file: &str| fs::read_to_string(file).ok().map(|text| text.trim().to_owned());
    let release = line("/etc/os-release").unwrap_or_default();
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map(|name| name.trim_matches('"').to_owned());
    json!({
        "system": name,
        "kernel": line("/proc/sys/kernel/osrelease"),
        "architecture": std::env::consts::ARCH,
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
        "memory_available": fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text)),
        "control_group_memory": line("/sys/fs/cgroup/memory.max"),
        "open_files": limit(Resource::Nofile),
        "processes": limit(Resource::Nproc),
        "address_space": limit(Resource::As),
        "user": rustix::process::geteuid().as_raw(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn limit(current: u64) -> Rlimit {
        Rlimit { current: Some(current), maximum: None }
    }

    #[test]
    fn open_files_are_counted_against_pools_and_clients() {
        for (files, pools, clients, level) in [
            (65_536, 64, 800, Level::Ok),
            (1000, 100, 800, Level::Ok),
            (999, 100, 800, Level::Warning),
            (201, 100, 800, Level::Warning),
            (200, 100, 800, Level::Problem),
        ] {
            assert_eq!(open_files(limit(files), pools, clients).level, level, "{files} {pools} {clients}");
        }
        assert_eq!(open_files(Rlimit { current: None, maximum: None }, 5, 5).level, Level::Ok);
    }

    #[test]
    fn threads_need_some_room() {
        assert_eq!(processes(limit(100), 50).level, Level::Ok);
        assert_eq!(processes(limit(99), 50).level, Level::Warning);
    }

    #[test]
    fn the_memory_of_the_system_is_read_in_bytes() {
        assert_eq!(available("MemTotal: 5 kB\nMemAvailable:   12 kB\n"), Some(12 * 1024));
        assert_eq!(available("MemTotal: 5 kB\n"), None);
    }
}
