//! All records of a request or none, in a store where one call can promise it and no transaction of several calls.

use serde_json::{Value as Json, json};

use crate::client::request;
use crate::dynamodb::World;
use crate::shop::READER;

/// All of it, on one running store.
pub(crate) fn all(world: &World) {
    what_fits_one_call_is_written_whole(world);
    a_record_that_fails_undoes_all_of_them(world);
    more_than_one_call_takes_is_refused_before_anything_is_written(world);
    a_write_by_filter_is_done_whole(world);
    a_batch_of_several_operations_is_refused(world);
}

fn rows(ids: std::ops::Range<i64>) -> Json {
    json!({ "resource": ids.map(|id| json!({"id": id, "total": 1})).collect::<Vec<_>>() })
}

/// Which of these orders there are.
#[track_caller]
fn there(world: &World, ids: &str) -> Vec<i64> {
    world.ids(&[("filter", &format!("id in ({ids})"))])
}

fn what_fits_one_call_is_written_whole(world: &World) {
    let answer = world.write("POST", "orders?rollback=true", &rows(3000..3100));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["resource"].as_array().unwrap().len(), 100);
    assert_eq!(there(world, "3000, 3099"), [3000, 3099]);
    // Records with other columns than the first one share the call.
    let mixed = json!([{"id": 3100, "total": 1}, {"id": 3101, "note": "x"}, {"id": 3102, "country": "NO"}]);
    let answer = world.write("POST", "orders?rollback=true&fields=*", &mixed);
    answer.is_ok(r#"{"resource":[{"id":3100,"total":1},{"id":3101,"note":"x"},{"id":3102,"country":"NO"}]}"#);
    let answer = world.write("PATCH", "orders?rollback=true&ids=3100,3101", &json!([{"total": 2}]));
    answer.is_ok(r#"{"resource":[{"id":3100},{"id":3101}]}"#);
    let answer = world.write("DELETE", "orders?rollback=true", &json!([{"id": 3100}, {"id": 3101}]));
    answer.is_ok(r#"{"resource":[{"id":3100},{"id":3101}]}"#);
    assert_eq!(there(world, "3100, 3101, 3102"), [3102]);
}

#[track_caller]
fn nothing_stays(world: &World, body: &Json, failed: usize) {
    let answer = world.write("POST", "orders?rollback=true", body);
    assert_eq!(answer.status, 400, "{}", answer.body);
    let error = &answer.json()["error"];
    assert_eq!(error["context"]["error"], json!([failed]), "{}", answer.body);
    let entries = error["context"]["resource"].as_array().unwrap();
    let told = entries.iter().position(|entry| entry["message"].is_string());
    assert_eq!((told, entries.len()), (Some(failed), failed + 1), "{}", answer.body);
    assert!(error["message"].as_str().unwrap().ends_with("All changes rolled back."), "{}", answer.body);
    assert_eq!(there(world, "3200, 3201, 3202"), [] as [i64; 0]);
}

fn a_record_that_fails_undoes_all_of_them(world: &World) {
    // One that is there, one whose value does not fit, one without a key.
    nothing_stays(world, &json!([{"id": 3200}, {"id": 1}, {"id": 3201}]), 1);
    nothing_stays(world, &json!([{"id": 3200}, {"id": 3201, "country": {"a": 1}}]), 1);
    nothing_stays(world, &json!([{"id": 3200}, {"id": 3201}, {"total": 3}]), 2);
    let answer = world.write(
        "PATCH",
        "orders?rollback=true",
        &json!([{"id": 1, "total": 7}, {"id": 3200, "total": 7}]),
    );
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(world.ids(&[("filter", "(id = 1) and (total = 7)")]), [] as [i64; 0]);
}

fn more_than_one_call_takes_is_refused_before_anything_is_written(world: &World) {
    let bound = "'rollback' takes at most 100 records on this service, because it undoes one call and no more; send less at a time, \
                 or leave 'rollback' out";
    let refused = world.write("POST", "orders?rollback=true", &rows(3300..3401));
    assert!(refused.status == 400 && refused.body.contains(bound), "{}", refused.body);
    let lines: String = (3300..3401).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    let streamed = request("POST", "/api/v2/store/_table/orders?rollback=true")
        .key(READER)
        .header("Content-Type", "application/x-ndjson")
        .bytes(lines);
    let refused = world.gateway.send(streamed);
    assert!(refused.status == 400 && refused.body.contains(bound), "{}", refused.body);
    let computed =
        |id: i64, by: i64| json!({"id": id, "total": {"expression": {"value": format!("total + {by}")}}});
    let refused = world.write("PATCH", "orders?rollback=true", &json!([computed(1, 1), computed(2, 2)]));
    assert!(refused.status == 400 && refused.body.contains("the same expressions only"), "{}", refused.body);
    assert_eq!(there(world, "3300, 3399, 3400"), [] as [i64; 0]);
}

fn a_write_by_filter_is_done_whole(world: &World) {
    let answer =
        world.write("PATCH", "orders?rollback=true&filter=id%20in%20(3000,3001)", &json!([{"total": 5}]));
    answer.is_ok(r#"{"resource":[{"id":3000},{"id":3001}]}"#);
    assert_eq!(world.ids(&[("filter", "(id in (3000, 3001, 3002)) and (total = 5)")]), [3000, 3001]);
}

fn a_batch_of_several_operations_is_refused(world: &World) {
    let operation = json!({"method": "PATCH", "path": "_table/orders/1", "body": {"total": 9}});
    let batch = request("POST", "/api/v2/store/_batch").key(READER).body(json!({"operations": [operation]}));
    let expected = "A batch, which needs transactions, is not supported by this service.";
    world.gateway.send(batch).is_error(501, expected);
}
