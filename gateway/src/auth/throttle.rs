//! A bound on failed logins per e-mail address and minute. Fixed in size; the clock is an argument.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::keyed_hash::Digest;

const MAX_FAILURES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
const MAX_ADDRESSES: usize = 10_000;

/// Counts failures by the digest of the address, whether the address exists or not.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    windows: Mutex<HashMap<Digest, Window>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    started_at: SystemTime,
    failures: u32,
}

impl Window {
    /// What is left of the window; `None` when it is over, also when the clock was set back before its start.
    fn remaining(&self, now: SystemTime) -> Option<Duration> {
        WINDOW.checked_sub(now.duration_since(self.started_at).ok()?).filter(|left| !left.is_zero())
    }
}

impl Throttle {
    /// Whether another attempt is permitted.
    ///
    /// # Errors
    /// How long to wait, in whole seconds.
    pub(super) fn check(&self, address: &Digest, now: SystemTime) -> Result<(), Duration> {
        let window = self.lock().get(address).copied();
        match window.filter(|window| window.failures >= MAX_FAILURES).and_then(|window| window.remaining(now))
        {
            Some(left) => Err(Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))),
            None => Ok(()),
        }
    }

    /// Notes a failed login.
    pub(super) fn failed(&self, address: Digest, now: SystemTime) {
        let mut windows = self.lock();
        if windows.len() >= MAX_ADDRESSES && !windows.contains_key(&address) {
            make_room(&mut windows, now);
        }
        let window = windows.entry(address).or_insert(Window { started_at: now, failures: 0 });
        if window.remaining(now).is_none() {
            *window = Window { started_at: now, failures: 0 };
        }
        window.failures = window.failures.saturating_add(1);
    }

    /// Forgets the failures of an address.
    pub(super) fn succeeded(&self, address: &Digest) {
        self.lock().remove(address);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(windows: &mut HashMap<Digest, Window>, now: SystemTime) {
    windows.retain(|_, window| window.remaining(now).is_some());
    if windows.len() < MAX_ADDRESSES {
        return;
    }
    let oldest = windows.iter().min_by_key(|(_, window)| window.started_at).map(|(address, _)| *address);
    if let Some(oldest) = oldest {
        windows.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn address(number: usize) -> Digest {
        let mut digest = Digest::default();
        digest[..8].copy_from_slice(&number.to_le_bytes());
        digest
    }

    #[test]
    fn tenth_failure_in_a_minute_closes_the_address_until_the_minute_is_over() {
        let throttle = Throttle::default();
        for second in 0..10 {
            assert_eq!(throttle.check(&address(1), at(second)), Ok(()));
            throttle.failed(address(1), at(second));
        }
        assert_eq!(throttle.check(&address(1), at(10)), Err(Duration::from_secs(50)));
        assert_eq!(throttle.check(&address(1), at(59)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.check(&address(2), at(10)), Ok(()), "another address");
        assert_eq!(throttle.check(&address(1), at(60)), Ok(()));
        throttle.failed(address(1), at(60));
        assert_eq!(throttle.check(&address(1), at(61)), Ok(()), "a window of its own");
    }

    #[test]
    fn success_forgets_failures() {
        let throttle = Throttle::default();
        (0..10).for_each(|_| throttle.failed(address(1), at(0)));
        throttle.succeeded(&address(1));
        assert_eq!(throttle.check(&address(1), at(0)), Ok(()));
    }

    #[test]
    fn clock_set_back_locks_nobody_out() {
        let throttle = Throttle::default();
        (0..10).for_each(|_| throttle.failed(address(1), at(1000)));
        assert_eq!(throttle.check(&address(1), at(0)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let throttle = Throttle::default();
        (0..10).for_each(|_| throttle.failed(address(0), at(1)));
        throttle.failed(address(1), at(0));
        (2..=MAX_ADDRESSES).for_each(|number| throttle.failed(address(number), at(2)));
        assert_eq!(throttle.lock().len(), MAX_ADDRESSES);
        assert!(!throttle.lock().contains_key(&address(1)));
        assert!(throttle.check(&address(0), at(2)).is_err());
    }
}
