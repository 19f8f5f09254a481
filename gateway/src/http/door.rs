//! Which connections are let in: how many in all, and how many from one address. Knows no HTTP.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client::is_trusted;
use crate::events;
use crate::settings::Server;

/// How long to wait after the system refused a connection, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// So often at most the log says that there is no room.
const QUIET: Duration = Duration::from_secs(60);

/// Lets connections in.
pub(super) struct Door {
    most: usize,
    room: Arc<Semaphore>,
    guests: Guests,
    told: Option<Instant>,
}

/// A connection that came in, as long as it lasts.
pub(super) type Place = (OwnedSemaphorePermit, Option<Guest>);

impl Door {
    /// A door to a house with room for so many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, room: Arc::new(Semaphore::new(most)), guests: Guests::default(), told: None }
    }

    /// The next connection, with its room and its other end. While there is no room, it waits before the door: refusing it would cost as
    /// much as having it, and whoever holds a place for nothing is soon sent away.
    pub(super) async fn next(&mut self, listener: &TcpListener) -> (TcpStream, IpAddr, OwnedSemaphorePermit) {
        loop {
            if self.room.available_permits() == 0 && self.told.is_none_or(|at| at.elapsed() > QUIET) {
                self.told = Some(Instant::now());
                events::connections_full(self.most);
            }
            // It is never closed.
            let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { continue };
            match listener.accept().await {
                Ok((stream, peer)) => return (stream, peer.ip(), room),
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Waits until all connections have ended.
    pub(super) async fn is_empty(&self) {
        // It is never closed.
        let _ = self.room.acquire_many(u32::try_from(self.most).unwrap_or(u32::MAX)).await;
    }

    /// A place for a connection from this address; `None`: it has as many as it may have.
    pub(super) fn place(&self, peer: IpAddr, room: OwnedSemaphorePermit, server: &Server) -> Option<Place> {
        if is_trusted(peer, &server.trusted_proxies) {
            return Some((room, None));
        }
        let most = server.max_connections_per_address.get();
        let Some(guest) = self.guests.let_in(peer, most) else {
            events::connection_refused(peer, most);
            return None;
        };
        Some((room, Some(guest)))
    }
}

/// How many connections there are from each address that has any.
#[derive(Debug, Clone, Default)]
struct Guests(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection that is counted. Dropped, it is not any more.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Guests,
    from: IpAddr,
}

impl Guests {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn let_in(&self, peer: IpAddr, most: usize) -> Option<Guest> {
        let from = household(peer);
        let mut guests = self.lock();
        let count = guests.entry(from).or_default();
        if *count >= most {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Guest { guests: self.clone(), from })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.guests.lock();
        if let Some(count) = guests.get_mut(&self.from) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                guests.remove(&self.from);
            }
        }
    }
}

/// Those who share an address: of IPv6 one host may have all addresses of a network of 64 bits.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let guests = Guests::default();
        let enter = |address: &str| guests.let_in(address.parse().unwrap(), 2);
        let (first, second) = (enter("192.0.2.1"), enter("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some() && enter("192.0.2.1").is_none());
        let other = enter("192.0.2.2");
        assert!(other.is_some());
        drop(first);
        let third = enter("192.0.2.1");
        assert!(third.is_some() && enter("192.0.2.1").is_none());
        drop((second, third, other));
        assert!(guests.lock().is_empty());
    }

    #[test]
    fn a_network_of_64_bits_counts_as_one_address() {
        let guests = Guests::default();
        let enter = |address: &str| guests.let_in(address.parse().unwrap(), 1);
        let first = enter("2001:db8::1");
        assert!(first.is_some() && enter("2001:db8::ffff:2").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
    }
}
