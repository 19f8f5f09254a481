//! The root module that a connector library exports, and what the gateway hands to it.

use std::ffi::c_void;

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;

use super::{Buffer, Call, Slice};

/// Takes a log event: the gateway's context, a level (1 error … 5 trace), a target, and a JSON object of fields, `message` among them.
pub type LogFunction = unsafe extern "C" fn(*const c_void, u32, Slice<'_>, Slice<'_>);

/// What the gateway hands to a connector. Valid for the life of the process.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct HostApi {
    /// Handed back in each call.
    pub context: *const c_void,
    /// Takes a log event. Callable from any thread.
    pub log: unsafe extern "C" fn(*const c_void, u32, Slice<'_>, Slice<'_>),
    /// A table of functions added later, by id; null when the gateway does not offer it.
    pub get_extension: unsafe extern "C" fn(*const c_void, u64) -> *const c_void,
}

// SAFETY: the contract demands that context and functions may be used from any thread.
unsafe impl Send for HostApi {}
// SAFETY: as above.
unsafe impl Sync for HostApi {}

/// What a connector library exports. Every function may be called from any thread and never unwinds.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = ConnectorModuleRef)))]
#[sabi(missing_field(panic))]
pub struct ConnectorModule {
    /// [`REVISION`](super::REVISION) of the contract it was built with.
    pub revision: u32,
    /// Called once, first: where log events go and the most verbose level wanted (0 none … 5 trace). 0: ready.
    pub initialize: extern "C" fn(HostApi, u32) -> u32,
    /// JSON of a `Result<Descriptor, Error>`.
    pub describe: extern "C" fn() -> Buffer,
    /// JSON of an `OpenRequest` in; one item out: JSON of an `Opened`.
    pub open: extern "C" fn(Slice<'_>) -> Call,
    /// Service, operation, shape (JSON), context (JSON), body (frames). Items are messages of frames.
    pub call: extern "C" fn(u64, u32, Slice<'_>, Slice<'_>, Slice<'_>) -> Call,
    /// Ends a service; running calls go on until they are dropped.
    pub close: extern "C" fn(u64),
    /// The most verbose level wanted has changed.
    pub set_log_level: extern "C" fn(u32),
    /// A table of functions added later, by id; null when the connector does not offer it.
    #[sabi(last_prefix_field)]
    pub get_extension: extern "C" fn(u64) -> *const c_void,
}

impl RootModule for ConnectorModuleRef {
    abi_stable::declare_root_module_statics! {ConnectorModuleRef}
    const BASE_NAME: &'static str = "tablegate_connector";
    const NAME: &'static str = "tablegate connector";
    const VERSION_STRINGS: VersionStrings = abi_stable::package_version_strings!();
}

#[cfg(feature = "author")]
pub use author_side::{LIBRARY_HEADER_SYMBOL, LibraryHeader, RootModuleResult, library_header};

#[cfg(feature = "author")]
mod author_side {
    use abi_stable::library::{CheckTypeLayout, LibHeader};
    use abi_stable::prefix_type::{PrefixRefTrait, PrefixTypeTrait};
    use abi_stable::std_types::RResult;

    use super::{ConnectorModule, ConnectorModuleRef};

    /// The static that `export_connector!` exports.
    pub type LibraryHeader = LibHeader;

    /// What the loader function of the header returns.
    pub use abi_stable::library::RootModuleResult;

    /// The name under which the header is exported; `export_connector!` repeats it, because an attribute takes no constant.
    pub const LIBRARY_HEADER_SYMBOL: &str = "_1as_0lib_1header_0root_bmodule_bloader";

    /// The header for a loader function.
    pub const fn library_header(loader: extern "C" fn() -> RootModuleResult) -> LibraryHeader {
        // SAFETY: the loader that `export_connector!` expands returns what `ConnectorModule::into_result` makes, a `ConnectorModuleRef`.
        unsafe { LibHeader::from_constructor::<ConnectorModuleRef>(loader, CheckTypeLayout::Yes) }
    }

    impl ConnectorModule {
        /// The module in the form that the loader function returns; it lives until the process ends.
        pub fn into_result(self) -> RootModuleResult {
            let module: ConnectorModuleRef = self.leak_into_prefix();
            // SAFETY: a module reference is a transparent wrapper of its prefix reference; the erased form is turned back by abi_stable.
            RResult::ROk(unsafe { module.to_prefix_ref().cast() })
        }
    }
}
