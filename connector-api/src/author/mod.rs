//! The author's side: write an ordinary type, implement [`Connector`] with plain `async fn`, export it.
//!
//! ```text
//! use connector_api::author::*;
//! struct Hello;
//! impl Connector for Hello { /* describe, open, list_tables, describe_tables, query */ }
//! connector_api::export_connector!(Hello);
//! ```
//!
//! What the kit does so that an author need not: the binary interface, a runtime of the connector's own (started with the first
//! service), cutting rows into batches with back-pressure, panic guards around every entry and drop, refusal of what an older
//! connector does not know and of what it does not declare, and a bridge that carries `tracing` events to the gateway's log.
//!
//! Statics are per library: the gateway's runtime, subscriber and crypto provider are not visible here.
//! What the kit can't contain: stack overflow, `abort`, `exit` and crashes in C code end the whole process.

mod connector;
mod entry;
mod log;
mod request;
mod run;
mod service;
mod sink;

pub use connector::{Connector, Open};
pub use request::{Records, Request};
pub use sink::RowSink;

/// All the words of the contract, so that one `use connector_api::author::*` is enough.
pub use crate::model::batch::{Cell, CellWriter, SetRole};
pub use crate::model::*;

/// What `export_connector!` expands to. Not for authors.
#[doc(hidden)]
pub mod export {
    pub use super::entry::{Exported, Kit, module};
    pub use crate::abi::{LIBRARY_HEADER_SYMBOL, LibraryHeader, RootModuleResult, Stamp, library_header};
}

/// Exports a type that implements [`Connector`] from this library. Once per crate, and the crate is a `cdylib`.
///
/// `export_connector!(MyConnector, inline)` says that the connector's futures never block or compute for long, so that the gateway
/// polls them on its own workers unless its configuration forbids that: two thread hops less per call.
#[macro_export]
macro_rules! export_connector {
    ($connector:ty) => {
        $crate::export_connector!(@export $connector, false);
    };
    ($connector:ty, inline) => {
        $crate::export_connector!(@export $connector, true);
    };
    (@export $connector:ty, $inline:expr) => {
        const _: () = {
            static KIT: $crate::author::export::Kit<$connector> = $crate::author::export::Kit::new($inline);

            impl $crate::author::export::Exported for $connector {
                fn kit() -> &'static $crate::author::export::Kit<Self> {
                    &KIT
                }
            }

            extern "C" fn load() -> $crate::author::export::RootModuleResult {
                $crate::author::export::module::<$connector>().into_result()
            }

            #[allow(unsafe_code, reason = "an exported symbol has to have this one name")]
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            pub static HEADER: $crate::author::export::LibraryHeader = $crate::author::export::library_header(load);

            #[allow(unsafe_code, reason = "the gateway reads the stamp from the file before it opens it")]
            #[unsafe(link_section = ".tablegate")]
            #[used]
            static STAMP: $crate::author::export::Stamp = $crate::author::export::Stamp::new(cfg!(panic = "unwind"));
        };
    };
}

#[cfg(test)]
mod tests;
