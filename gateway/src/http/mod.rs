//! HTTP in and out: bytes to a request, an answer to bytes. No filter, no role rule, no connector call: each handler extracts, calls one
//! function and responds. Everything under `/api` is JSON, errors included.

mod address;
mod answer;
mod health;
mod input;
mod request_id;
mod router;
mod server;
mod session;

pub use router::router;
pub use server::{Listening, serve};
