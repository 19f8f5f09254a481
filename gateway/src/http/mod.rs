//! HTTP in and out: bytes to a request, an answer to bytes. No filter, no role rule, no connector call: each handler extracts, calls one
//! function and responds. Everything under `/api` is in the form that the request wants, JSON unless it says otherwise.

mod address;
mod answer;
mod body;
mod client;
mod cors;
mod delivery;
mod door;
mod exchange;
mod gzip;
mod health;
mod input;
mod progress;
mod refusal;
mod request_id;
mod router;
mod scrape;
mod seen;
mod server;
mod session;
mod socket;
mod tls;

pub use cors::Cors;
#[cfg(fuzzing)]
pub(crate) use input::query_pairs;
pub use router::{Answering, router};
pub use seen::{Watched, Watchers};
pub use server::{End, Fate, Listening, Succession, Terms, serve};
pub use tls::Tls;
