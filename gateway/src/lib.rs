//! Empty.
pub mod schema;
pub mod settings;
pub mod telemetry;
