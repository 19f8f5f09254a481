//! What the system knows of the process, with the names that Prometheus has for it.

use std::fmt;
use std::fs;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// When somebody first asked for it: [`began`] asks at the start.
static BEGAN: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);

/// The process has begun, if it had not before.
pub(super) fn began() -> SystemTime {
    *BEGAN
}

/// The process as it is now. What the system does not tell is left out.
#[derive(Debug)]
pub(super) struct Process {
    memory: Option<u64>,
    threads: Option<u64>,
    files: Option<u64>,
}

impl Process {
    pub(super) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line?.split_whitespace().next()?.parse::<u64>().ok()
        };
        // The folder itself is open while it is read.
        let files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1));
        Self {
            memory: number("VmRSS").map(|kibibytes| kibibytes.saturating_mul(1024)),
            threads: number("Threads"),
            files: files.and_then(|files| u64::try_from(files).ok()),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let began = began().duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs());
        let known = [
            ("process_resident_memory_bytes", "Memory that the process holds.", self.memory),
            ("process_threads", "Threads of the process.", self.threads),
            ("process_open_fds", "Files and sockets that are open.", self.files),
            ("process_start_time_seconds", "When the process began, in seconds of Unix time.", began),
        ];
        for (name, help, value) in known {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_of_the_process() {
        let process = Process::now();
        assert!(process.memory.is_some_and(|bytes| bytes > 1 << 20), "{process:?}");
        assert!(process.threads.is_some_and(|count| count >= 1), "{process:?}");
        assert!(process.files.is_some_and(|count| count >= 3), "{process:?}");
    }
}
