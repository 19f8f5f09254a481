//! What the service says of itself.

use std::sync::Arc;

use super::peer::{CALL_TIME, Peer, context, full};
use super::{Applies, Case, Outcome, cases as all_cases, holds};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("capability::the_store_is_there", &["query"], ping),
        Case::new("capability::a_service_declares_no_more_than_its_type", &["query"], narrowed),
        Case::new("capability::whatever_is_declared_is_tested", &["query"], tested),
    ]
}

/// The capabilities that some case relies on.
pub(super) fn tested_flags() -> Vec<&'static str> {
    let needs = all_cases().into_iter().flat_map(|case| match case.applies {
        Applies::Declared(needs) => needs.to_vec(),
        Applies::Undeclared(_) => Vec::new(),
    });
    needs.collect()
}

async fn ping(peer: Arc<Peer>) -> Outcome {
    peer.service.ping(context(CALL_TIME)).await.map_err(|error| full(&error))
}

async fn narrowed(peer: Arc<Peer>) -> Outcome {
    let declared = peer.service.connector().service_type(&peer.facts.service_type);
    let declared = declared.map(|service_type| service_type.capabilities.clone()).unwrap_or_default();
    let effective = peer.service.capabilities();
    holds(*effective == declared.narrowed_by(effective), || {
        format!("expected no more than {declared:?}, found {effective:?}")
    })
}

/// A connector that declares what the suite has no case for would pass without a proof.
async fn tested(peer: Arc<Peer>) -> Outcome {
    let tested = tested_flags();
    let declared = peer.service.capabilities().declared();
    let untested: Vec<_> = declared.into_iter().filter(|flag| !tested.contains(flag)).collect();
    holds(untested.is_empty(), || format!("declared, and no case relies on it: {}", untested.join(", ")))
}
