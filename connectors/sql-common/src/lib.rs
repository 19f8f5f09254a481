//! Everything SQL connectors share: requests become statements here, once.
//!
//! * [`build`]: shape of a request → [`Statement`]; asks the dialect, never compares its identity.
//! * [`capabilities`]: what these statements serve.
//! * [`change`]: changes of tables → judged steps, with what differs in them from database to database.
//! * [`dialect`]: trait [`Dialect`] with the defaults of the SQL standard; a connector overrides what differs.
//! * [`known`]: what a service knows of its tables, with the statements made from it.
//! * [`render`]: [`SqlWriter`], the one writer of SQL text: fixed words, quoted names and parameter markers, nothing else.
//! * `samples`: everything that becomes SQL, for the snapshots of a connector's tests.
//! * [`sort`]: what an expression is worth before it runs, for databases whose columns have fixed types.
//! * [`statement`]: the text with its bindings, and the cache of statements by shape and form.
//! * [`typed`]: conditions for such databases, where only what compares is written as a comparison.
//!
//! May not name a database, use a driver or run a statement.

pub mod build;
pub mod capabilities;
pub mod change;
pub mod dialect;
pub mod known;
pub mod render;
#[cfg(feature = "samples")]
pub mod samples;
pub mod sort;
pub mod statement;
pub mod typed;

pub use build::Builder;
pub use dialect::Dialect;
pub use known::Known;
pub use render::SqlWriter;
pub use statement::{Bind, Bound, Form, Kind, Statement, StatementCache, StatementKey};
