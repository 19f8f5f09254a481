//! Heads from the future, sent to a real library built today: what would change the answer is refused, advice is not.

use connector_api::ErrorKind;
use connector_api::model::Operation;
use serde_json::{Value as Json, json};
use tablegate::connectors::rows::Bounds;
use tablegate::connectors::{Params, Service};

use crate::fixture::{Folder, LONG, context, open, query, run};

/// Sends a query of the table `good` with one member more or another value.
async fn send(service: &Service, member: &str, value: Json) -> Result<(), (ErrorKind, String)> {
    let (shape, params): (_, Params) = query("good", 10);
    let mut head = serde_json::to_value(shape).unwrap();
    head[member] = value;
    let (head, body) = (head.to_string(), params.frames().into_bytes());
    let bounds = Bounds { rows: 10, outcomes: 0 };
    let call = service.call(Operation::Query, (head.as_bytes(), &body), context(LONG), bounds).await;
    let answer = match call {
        Ok(rows) => rows.finish().await,
        Err(error) => Err(error),
    };
    answer.map(drop).map_err(|error| (error.kind, error.reason.unwrap_or_default().into()))
}

#[test]
fn an_unknown_restriction_is_refused_and_an_unknown_hint_is_not() {
    let folder = Folder::new();
    folder.add_chaos("30");
    let registry = folder.load();
    run(async {
        let service = open(&registry, "30").await;
        let unknown = Err((ErrorKind::Unsupported, "unknown_shape".to_owned()));
        assert_eq!(send(&service, "tenant_rule", json!({ "tenant": 0 })).await, unknown);
        assert_eq!(send(&service, "filter", json!({ "within_circle": { "radius": 0 } })).await, unknown);
        assert_eq!(send(&service, "order", json!([{ "by": ["n"], "direction": "random" }])).await, unknown);
        let need = send(&service, "need", json!(["sampling"])).await;
        assert_eq!(need, Err((ErrorKind::Unsupported, "unknown_need".to_owned())));
        assert_eq!(send(&service, "hints", json!({ "prefer_replica": true })).await, Ok(()));
    });
}
