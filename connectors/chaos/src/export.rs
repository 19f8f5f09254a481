//! What `export_connector!` would expand to, with some entries replaced: they misbehave first and then hand over to the kit.

use connector_api::abi::{Buffer, Call, ConnectorModule, HostApi, Slice};
use connector_api::author::export::{
    Exported, Kit, LibraryHeader, RootModuleResult, Stamp, library_header, module,
};
use connector_api::model::Operation;

use crate::connector::Chaos;
use crate::knobs::{self, Fault};
use crate::{liar, raw};

static KIT: Kit<Chaos> = Kit::new(true);

impl Exported for Chaos {
    fn kit() -> &'static Kit<Self> {
        &KIT
    }
}

extern "C" fn initialize(host: HostApi, level: u32) -> u32 {
    match knobs::fault() {
        Fault::InitializeHangs => knobs::block_for_ever(),
        Fault::InitializeFails => 1,
        _ => {
            liar::initialize(host, level);
            (module::<Chaos>().initialize)(host, level)
        }
    }
}

extern "C" fn describe() -> Buffer {
    if knobs::fault() == Fault::DescribeMalformed {
        return br#"{"Ok":{"name":"Not A Name","version":"1","service_types":[]}}"#.to_vec().into();
    }
    (module::<Chaos>().describe)()
}

extern "C" fn open(request: Slice<'_>) -> Call {
    liar::open(request.as_bytes()).unwrap_or_else(|| (module::<Chaos>().open)(request))
}

extern "C" fn close(service: u64) {
    if !liar::close(service) {
        (module::<Chaos>().close)(service);
    }
}

extern "C" fn call(
    service: u64,
    operation: u32,
    head: Slice<'_>,
    context: Slice<'_>,
    body: Slice<'_>,
) -> Call {
    if operation == Operation::Query.number()
        && let Some(call) = raw::answer(head.as_bytes())
    {
        return call;
    }
    liar::call(service, operation, [head, context, body])
        .unwrap_or_else(|| (module::<Chaos>().call)(service, operation, head, context, body))
}

extern "C" fn load() -> RootModuleResult {
    ConnectorModule { initialize, describe, open, call, close, ..module::<Chaos>() }.into_result()
}

#[allow(unsafe_code, unreachable_pub, reason = "an exported symbol has to have this one name")]
#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
pub static HEADER: LibraryHeader = library_header(load);

#[allow(unsafe_code, reason = "the gateway reads the stamp from the file before it opens it")]
#[unsafe(link_section = ".tablegate")]
#[used]
static STAMP: Stamp = Stamp::new(cfg!(panic = "unwind"));
