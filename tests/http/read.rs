//! Rows of a table: fields, order, pages and what stands beside them, identifiers, single rows, types of values.

use serde_json::{Value as Json, json};

use crate::client::{Answer, get, request};
use crate::gateway::Gateway;
use crate::shop::{READER, read, reading, setup, shared};
use crate::stock::{SERVICES, Stock, WRITER};

/// Reads with parameters that need encoding.
#[track_caller]
fn read_with(path: &str, parameters: &[(&str, &str)]) -> Answer {
    let request = parameters.iter().fold(reading(path), |request, (name, value)| request.with(name, value));
    request.send(shared().address)
}

/// A wrapped list of one column's values, with what stands behind it.
fn listed(name: &str, values: impl IntoIterator<Item = impl Into<Json>>, behind: &str) -> String {
    let rows: Vec<Json> = values.into_iter().map(|value| json!({ name: value.into() })).collect();
    format!(r#"{{"resource":{}{behind}}}"#, Json::from(rows))
}

#[test]
fn count_and_next_stand_beside_the_rows_when_asked_for_or_when_the_maximum_cut_them() {
    let check = |query: &str, rows: std::ops::RangeInclusive<u8>, meta: &str| {
        let meta = if meta.is_empty() { String::new() } else { format!(r#","meta":{{{meta}}}"#) };
        read(&format!("shop/_table/numbers?fields=n{query}")).is_ok(&listed("n", rows, &meta));
    };
    check("", 1..=10, r#""count":25,"next":10"#);
    check("&offset=10", 11..=20, r#""count":25,"next":20"#);
    check("&offset=15", 16..=25, r#""count":25"#);
    check("&offset=20", 21..=25, r#""count":25"#);
    check("&limit=5", 1..=5, "");
    check("&limit=10", 1..=10, "");
    check("&limit=5&offset=23", 24..=25, "");
    check("&limit=10&include_count=true", 1..=10, r#""count":25,"next":10"#);
    check("&limit=10&offset=20&include_count=true", 21..=25, r#""count":25"#);
    check("&limit=5&offset=19&include_count=true", 20..=24, r#""count":25,"next":24"#);
    check("&limit=5&offset=20&include_count=true", 21..=25, r#""count":25"#);
    check("&filter=n+lte+10", 1..=10, "");
    check("&filter=n+lte+11", 1..=10, r#""count":11,"next":10"#);
    check("&filter=n+lte+10&include_count=true", 1..=10, r#""count":10"#);
}

#[test]
fn a_limit_that_is_none_is_the_services_maximum() {
    let whole = listed("n", 1..=10, r#","meta":{"count":25,"next":10}"#);
    for limit in ["11", "1000000", "99999999999999999999", "0", "-3", "many", ""] {
        read(&format!("shop/_table/numbers?fields=n&limit={limit}")).is_ok(&whole);
    }
    read("shop/_table/numbers?fields=n&limit=2rows").is_ok(&listed("n", 1..=2, ""));
}

#[test]
fn an_offset_skips_rows_and_past_the_end_there_are_none() {
    read("shop/_table/orders?offset=5").is_ok(r#"{"resource":[]}"#);
    read("shop/_table/orders?offset=99&limit=2").is_ok(r#"{"resource":[]}"#);
    read("shop/_table/orders?fields=id&offset=some&limit=1").is_ok(&listed("id", [1], ""));
    read("shop/_table/orders?offset=-1").is_error_with(
        400,
        "'offset' must be 0 or a positive number of rows",
        &json!({ "parameter": "offset", "position": null, "expected": null }),
    );
}

#[test]
fn count_only_is_the_bare_number_of_all_matching_rows() {
    read("shop/_table/numbers?count_only=true").is_ok("25");
    read("shop/_table/numbers?count_only=true&limit=3&offset=24").is_ok("25");
    read("shop/_table/numbers?count_only=true&filter=parity=odd").is_ok("13");
    read("mem/_table/people?count_only=true&filter=id+gt+99").is_ok("0");
    read("shop/_table/orders?count_only=true&ids=1,2").is_ok("2");
    assert_eq!(read("shop/_table/orders?count_only=true").header("content-type"), "application/json");
}

#[test]
fn include_schema_shows_the_description_behind_count_and_next() {
    let schema = read("shop/_schema/orders").body;
    read("shop/_table/orders?fields=id&limit=1&include_schema=true")
        .is_ok(&format!(r#"{{"resource":[{{"id":1}}],"meta":{{"schema":{schema}}}}}"#));
    read("shop/_table/orders?fields=id&limit=1&include_schema=true&include_count=true")
        .is_ok(&format!(r#"{{"resource":[{{"id":1}}],"meta":{{"count":5,"next":1,"schema":{schema}}}}}"#));
    read("shop/_table/orders?fields=id&ids=2&include_schema=true")
        .is_ok(&format!(r#"{{"resource":[{{"id":2}}],"meta":{{"schema":{schema}}}}}"#));
}

#[test]
fn the_asked_fields_come_in_the_asked_order() {
    let check = |fields: &str, row: &str| {
        read_with("shop/_table/orders", &[("fields", fields), ("limit", "1")])
            .is_ok(&format!(r#"{{"resource":[{row}]}}"#));
        read_with("shop/_table/orders/1", &[("fields", fields)]).is_ok(row);
    };
    let whole = r#"{"id":1,"customer_id":1,"status":"new","total":10}"#;
    check("*", whole);
    check("total,*", whole);
    check("total,id", r#"{"total":10,"id":1}"#);
    check("STATUS,Id", r#"{"status":"new","id":1}"#);
    check("id,status,id,ID", r#"{"id":1,"status":"new"}"#);
    read("shop/_table/orders?limit=1").is_ok(&format!(r#"{{"resource":[{whole}]}}"#));
}

#[test]
fn no_fields_are_the_identifying_ones() {
    read("shop/_table/orders?fields=&limit=2").is_ok(r#"{"resource":[{"id":1},{"id":2}]}"#);
    read("shop/_table/order_items?fields=&limit=1").is_ok(r#"{"resource":[{"order_id":1,"line":1}]}"#);
    read("shop/_table/orders?fields=&id_field=status&limit=1").is_ok(r#"{"resource":[{"status":"new"}]}"#);
    read("shop/_table/logs?fields=&limit=1").is_ok(r#"{"resource":[{"line":"started","level":1}]}"#);
}

#[test]
fn an_unknown_field_is_refused() {
    let context = json!({ "parameter": "fields", "position": null });
    for path in ["shop/_table/orders", "shop/_table/orders/1", "mem/_table/people"] {
        read(&format!("{path}?fields=id,nope")).is_error_with(400, "Invalid field requested: nope", &context);
    }
    // One row has no groups.
    let aggregate = "Invalid field requested: COUNT(*)";
    read("shop/_table/orders/1?fields=COUNT(*)").is_error_with(400, aggregate, &context);
}

/// Both services give the identifiers of people in this order.
#[track_caller]
fn check_order(order: &str, ids: &[u8]) {
    for service in ["shop", "mem"] {
        let path = format!("{service}/_table/people");
        read_with(&path, &[("fields", "id"), ("order", order)]).is_ok(&listed("id", ids.to_vec(), ""));
    }
}

#[test]
fn rows_come_in_the_asked_order() {
    check_order("id", &[1, 2, 3, 4, 5, 6, 7]);
    check_order("ID DESC", &[7, 6, 5, 4, 3, 2, 1]);
    check_order("is_active desc nulls last, age desc nulls last", &[7, 1, 3, 6, 5, 2, 4]);
    check_order("is_active asc nulls first, balance asc", &[4, 2, 5, 3, 7, 1, 6]);
    check_order("serial desc nulls last", &[5, 1, 2, 7, 6, 3, 4]);
    check_order("age asc nulls last", &[6, 3, 2, 1, 7, 5, 4]);
    check_order("age desc nulls first", &[4, 5, 7, 1, 2, 3, 6]);
    check_order("age sideways nulls last", &[6, 3, 2, 1, 7, 5, 4]);
    check_order("\"age\" desc nulls last,,", &[5, 7, 1, 2, 3, 6, 4]);
}

#[test]
fn the_primary_key_breaks_ties() {
    read("shop/_table/numbers?fields=n&order=parity&limit=4").is_ok(&listed("n", [2, 4, 6, 8], ""));
    read("shop/_table/numbers?fields=n&order=parity%20desc&limit=4").is_ok(&listed(
        "n",
        [25, 23, 21, 19],
        "",
    ));
    read("shop/_table/numbers?fields=n&order=parity&limit=2&id_field=parity").is_ok(&listed("n", [2, 4], ""));
}

#[test]
fn a_name_with_blanks_and_commas_can_be_ordered_by() {
    let odd = "shop/_table/odd%20%22name%22%20(1)%2F50%25%3B%20DROP%20TABLE%20orders%20--";
    let parameters = [("fields", "select"), ("order", "\"order date, 'utc'\" desc")];
    read_with(odd, &parameters).is_ok(&listed("select", [1, 2], ""));
    read_with(odd, &[("fields", "select"), ("order", "\"a\"\"b] `c`\" desc")]).is_ok(&listed(
        "select",
        [2, 1],
        "",
    ));
}

#[test]
fn an_order_that_makes_no_sense_is_refused() {
    let context = |position: u8| json!({ "parameter": "order", "position": position });
    read("shop/_table/orders?order=id,nope").is_error_with(
        400,
        "Invalid field 'nope' in order by clause.",
        &context(3),
    );
    let mut with_expected = context(2);
    with_expected["expected"] = Json::Null;
    read("shop/_table/orders?order=id;drop").is_error_with(
        400,
        "Invalid order by clause in request.",
        &with_expected,
    );
}

#[test]
fn rows_by_identifier_keep_the_order_of_the_request_and_repeat() {
    read("shop/_table/orders?fields=id&ids=3,1,3,2").is_ok(&listed("id", [3, 1, 3, 2], ""));
    read("mem/_table/people?fields=id&ids=3,1,3").is_ok(&listed("id", [3, 1, 3], ""));
    read("shop/_table/orders?fields=status&ids=2,1").is_ok(&listed("status", ["paid", "new"], ""));
    read("shop/_table/orders?fields=id&ids=2&filter=id=1&limit=0&offset=7&order=id").is_ok(&listed(
        "id",
        [2],
        "",
    ));
    read("shop/_table/orders?as_list=true&ids=2,1").is_ok(r#"{"resource":[2,1]}"#);
}

#[test]
fn more_identifiers_than_an_answer_may_have_rows_are_all_answered() {
    let ids: Vec<u8> = (1..=25).rev().collect();
    let text = ids.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
    let path = format!("shop/_table/numbers?fields=n&ids={text}");
    read(&path).is_ok(&listed("n", ids, ""));
    // Several queries, the last with one identifier alone.
    let many: Vec<u8> = (0..1001).map(|place| [9, 2, 25][place % 3]).collect();
    let ask = |path: &str, body: Json| {
        let ask = request("POST", &format!("/api/v2/shop/_table/{path}")).key(READER);
        ask.header("X-HTTP-Method", "GET").body(body).send(shared().address)
    };
    ask("numbers?fields=n", json!({ "ids": many })).is_ok(&listed("n", many.clone(), ""));
    let mut gone = many.clone();
    gone.extend([77, 2]);
    let answer = ask("numbers?fields=n", json!({ "ids": gone })).json();
    assert_eq!(answer["error"]["context"]["error"], json!([1001]));
    assert_eq!(answer["error"]["context"]["resource"].as_array().unwrap().len(), 1002);
    let answer = ask("numbers?fields=n", json!({ "ids": gone, "continue": true })).json();
    assert_eq!(answer["error"]["context"]["error"], json!([1001]));
    assert_eq!(answer["error"]["context"]["resource"][1002], json!({ "n": 2 }));
    let pairs: Vec<Json> = (0..701).map(|place| json!([[1, 1], [3, 1], [1, 2]][place % 3])).collect();
    ask("order_items?fields=qty", json!({ "ids": pairs })).is_ok(&listed(
        "qty",
        (0..701).map(|place| [2, 7, 1][place % 3]),
        "",
    ));
}

#[test]
fn dots_that_are_encoded_are_an_identifier() {
    for (segment, id) in [("%2E", "."), ("%2e%2E", ".."), (".%2E", "..")] {
        let answer =
            shared().send(get(&format!("/api/v2/shop/_table/customers/{segment}?id_field=name")).key(READER));
        answer.is_error(404, &format!("Record with identifier '{id}' not found."));
    }
}

#[test]
fn identifiers_have_a_bound_and_so_have_their_rows() {
    let ask = |gateway: &Gateway, ids: Vec<u8>| {
        let ask = request("POST", "/api/v2/shop/_table/numbers").key(READER).header("X-HTTP-Method", "GET");
        gateway.send(ask.body(json!({ "ids": ids, "fields": ["n"] })))
    };
    let context = json!({ "parameter": "ids", "position": null, "expected": null });
    let message = "at most 100000 identifiers can be given at once";
    ask(shared(), vec![1; 100_001]).is_error_with(400, message, &context);
    let small = setup("[server]\nmax_body_size = \"1KiB\"").start();
    let message = "These rows are larger than the 1024 bytes that this server holds; ask for fewer rows or fields at once.";
    ask(&small, vec![1; 200]).is_error(400, message);
}

/// The batch error of identifiers of which some are missing.
fn missing(failed: &str, entries: &str) -> String {
    format!(
        r#"{{"error":{{"code":1000,"context":{{"error":[{failed}],"resource":[{entries}]}},"message":"Batch Error: Not all requested records could be retrieved.","status_code":400}}}}"#
    )
}

fn not_found(id: &str) -> String {
    let message = Json::from(format!("Record with identifier '{id}' not found."));
    format!(r#"{{"code":404,"context":null,"message":{message},"status_code":404}}"#)
}

#[test]
fn a_missing_identifier_is_a_batch_error() {
    let check = |query: &str, failed: &str, entries: &[&str]| {
        read(&format!("shop/_table/orders?fields=id&{query}")).is(400, &missing(failed, &entries.join(",")));
    };
    let (one, two) = (r#"{"id":1}"#, r#"{"id":2}"#);
    check("ids=99", "0", &[&not_found("99")]);
    check("ids=1,99,2", "1", &[one, &not_found("99")]);
    check("ids=1,99,2,98&continue=true", "1,3", &[one, &not_found("99"), two, &not_found("98")]);
    let body = json!({ "ids": [1, 99], "fields": ["id"], "continue": true });
    let tunnelled = request("POST", "/api/v2/shop/_table/orders").header("X-HTTP-Method", "GET").key(READER);
    tunnelled.body(body).send(shared().address).is(400, &missing("1", &[one, &not_found("99")].join(",")));
    read("shop/_table/order_items?ids=(1,1),(9,9)&fields=line")
        .is(400, &missing("1", &[r#"{"line":1}"#, &not_found("(9,9)")].join(",")));
}

#[test]
fn found_rows_beside_missing_ones_keep_the_digits_of_their_numbers() {
    let entries = [r#"{"serial":9223372036854775807,"balance":99.75}"#, &not_found("99")].join(",");
    for service in ["shop", "mem"] {
        read(&format!("{service}/_table/people?fields=serial,balance&ids=5,99"))
            .is(400, &missing("1", &entries));
    }
}

#[test]
fn composite_identifiers_are_tuples_or_objects() {
    let rows = r#"{"resource":[{"qty":7},{"qty":1}]}"#;
    read("shop/_table/order_items?fields=qty&ids=(3,1),(1,2)").is_ok(rows);
    read("shop/_table/order_items?fields=qty&id_field=line,order_id&ids=(1,3),(2,1)").is_ok(rows);
    read("shop/_table/order_items/(3,1)?fields=qty").is_ok(r#"{"qty":7}"#);
    let arity = "an identifier needs 2 value(s), for order_id, line; write a composite one as (a,b)";
    for path in ["order_items?ids=1", "order_items?ids=(1,2,3)", "order_items/1", "order_items/1,2"] {
        let context = json!({ "parameter": "ids", "position": null });
        read(&format!("shop/_table/{path}")).is_error_with(400, arity, &context);
    }
}

#[test]
fn another_column_may_identify_rows() {
    read("shop/_table/customers?fields=id&id_field=name&ids=Cy,Ada").is_ok(&listed("id", [3, 1], ""));
    read("shop/_table/customers?fields=id&id_field=nope,NAME&ids=Cy").is_ok(&listed("id", [3], ""));
    read("shop/_table/customers/Dee?fields=id&id_field=name").is_ok(r#"{"id":4}"#);
    read("mem/_table/people/Smith,%20John?fields=id&id_field=name").is_ok(r#"{"id":4}"#);
    read("shop/_table/logs/stopped?id_field=line").is_ok(r#"{"line":"stopped","level":2}"#);
}

#[test]
fn what_identifies_no_row_is_refused() {
    let integer = "Field 'id' must be a valid integer.";
    let context = json!({ "parameter": "ids", "position": null });
    read("shop/_table/orders?ids=1,x").is_error_with(400, integer, &context);
    read("shop/_table/orders/x").is_error_with(400, integer, &context);
    // One segment is one identifier.
    read("shop/_table/orders/1,2").is_error_with(400, integer, &context);
    let undetermined = "Identifying field(s) could not be determined.";
    read("shop/_table/logs?ids=1").is_error(500, undetermined);
    read("shop/_table/logs/1").is_error(500, undetermined);
    read("shop/_table/orders?id_field=nope&ids=1").is_error(500, undetermined);
    read("shop/_table/logs?fields=line&limit=1").is_ok(&listed("line", ["started"], ""));
}

#[test]
fn a_single_row_is_not_wrapped() {
    read("shop/_table/orders/5").is_ok(r#"{"id":5,"customer_id":4,"status":"new","total":null}"#);
    read("shop/_table/orders/5?include_count=true&limit=1&fields=id").is_ok(r#"{"id":5}"#);
    read("shop/_table/paid_orders/2?id_field=id").is_ok(r#"{"id":2,"total":25.5}"#);
    read("shop/_table/orders/99").is_error(404, "Record with identifier '99' not found.");
    read("shop/_table/customers/%3Cb%3E?id_field=name")
        .is_error(404, "Record with identifier '&lt;b&gt;' not found.");
}

#[test]
fn as_list_gives_identifiers_alone() {
    let check = |query: &str, list: &str| {
        read(&format!("shop/_table/{query}")).is_ok(&format!(r#"{{"resource":[{list}]}}"#));
    };
    check("orders?as_list=true", "1,2,3,4,5");
    check("orders?as_list=true&id_field=id&filter=status=paid", "2,3");
    check("customers?as_list=true&id_field=name&order=id", r#""Ada","Bob","Cy","Dee""#);
    check("order_items?as_list=true", r#""(1,1)","(1,2)","(3,1)""#);
    check("customers?as_list=true&id_field=country,name&limit=1", r#""(GB,Ada)""#);
    read("shop/_table/numbers?as_list=true&limit=2&include_count=1")
        .is_ok(r#"{"resource":[1,2],"meta":{"count":25,"next":2}}"#);
}

#[test]
fn values_keep_their_types_and_digits() {
    let check = |fields: &str, rows: [&str; 3]| {
        let rows: Vec<String> = rows.iter().map(|row| format!("{{{row}}}")).collect();
        read(&format!("shop/_table/stored?fields={fields}"))
            .is_ok(&format!(r#"{{"resource":[{}]}}"#, rows.join(",")));
    };
    check(
        "big",
        [r#""big":9223372036854775807"#, r#""big":-9223372036854775808"#, r#""big":9007199254740993"#],
    );
    check("exact", [r#""exact":0.1"#, r#""exact":12345678901234"#, r#""exact":null"#]);
    check("price", [r#""price":19.99"#, r#""price":-0.5"#, r#""price":null"#]);
    check("ratio", [r#""ratio":1e+300"#, r#""ratio":0.5"#, r#""ratio":null"#]);
    check("flag", [r#""flag":true"#, r#""flag":false"#, r#""flag":null"#]);
    check("text", [r#""text":"\"quoted\" \\ / <b> & ünï \n\t\u0001🐘""#, r#""text":"""#, r#""text":null"#]);
    check("data", [r#""data":{"b":[1,2.50],"a":null}"#, r#""data":"not json""#, r#""data":null"#]);
    check("bytes", [r#""bytes":"AP8Q""#, r#""bytes":"""#, r#""bytes":null"#]);
    check(
        "day,hour",
        [
            r#""day":"2024-02-29","hour":"23:59:59""#,
            r#""day":"1066-10-14","hour":"00:00:00""#,
            r#""day":null,"hour":null"#,
        ],
    );
    check(
        "moment,stamp",
        [
            r#""moment":"2024-02-29 23:59:59","stamp":"2024-02-29T23:59:59Z""#,
            r#""moment":"0001-01-01 00:00:00","stamp":"2024-02-29""#,
            r#""moment":null,"stamp":null"#,
        ],
    );
    check("anything", [r#""anything":5"#, r#""anything":"five""#, r#""anything":null"#]);
}

#[test]
fn decimals_keep_every_digit() {
    let service = r#"
[[services]]
name = "exact"
type = "memory"

[services.config.tables.t]
columns = [{ name = "id", type = "integer" }, { name = "d", type = "decimal" }]
primary_key = ["id"]
rows = [{ id = 1, d = "12.50" }, { id = 2, d = "-123456789012345678901234567890.10" }]
"#;
    let gateway = setup(service).start();
    let (one, two) = (r#"{"d":12.50}"#, r#"{"d":-123456789012345678901234567890.10}"#);
    let read = |query: &str| gateway.send(reading(&format!("exact/_table/t?fields=d{query}")));
    read("").is_ok(&format!(r#"{{"resource":[{one},{two}]}}"#));
    read("&ids=2,1").is_ok(&format!(r#"{{"resource":[{two},{one}]}}"#));
    read("&filter=d=-123456789012345678901234567890.1").is_ok(&format!(r#"{{"resource":[{two}]}}"#));
    read("&ids=2,1,3").is(400, &missing("2", &[two, one, &not_found("3")].join(",")));
}

#[test]
fn large_integers_and_decimals_are_texts_where_they_are_asked_for_so() {
    let service = r#"
[[services]]
name = "exact"
type = "memory"

[services.config]
numbers = "string"

[services.config.tables.t]
columns = [{ name = "id", type = "bigint" }, { name = "d", type = "decimal" }, { name = "f", type = "double" }]
primary_key = ["id"]
rows = [{ id = 9007199254740992, d = "12.50", f = 1.5 }, { id = -9007199254740993, d = "7" }]
"#;
    let gateway = setup(service).start();
    let read = |path: &str| gateway.send(reading(path));
    let texts =
        [r#"{"id":"-9007199254740993","d":"7","f":null}"#, r#"{"id":9007199254740992,"d":"12.50","f":1.5}"#];
    let numbers =
        [r#"{"id":-9007199254740993,"d":7,"f":null}"#, r#"{"id":9007199254740992,"d":12.50,"f":1.5}"#];
    let list = |rows: [&str; 2]| format!(r#"{{"resource":[{}]}}"#, rows.join(","));
    read("exact/_table/t").is_ok(&list(texts));
    read("exact/_table/t?numbers=number").is_ok(&list(numbers));
    read("exact/_table/t?ids=-9007199254740993,9007199254740992").is_ok(&list(texts));
    read("exact/_table/t/-9007199254740993").is_ok(texts[0]);
    read("exact/_table/t?accept=application/x-ndjson").is_ok(&format!("{}\n{}\n", texts[0], texts[1]));
    read("exact/_table/t?as_list=true").is_ok(r#"{"resource":["-9007199254740993",9007199254740992]}"#);
    read("exact/_table/t?accept=text/csv&fields=id,d")
        .is_ok("id,d\n-9007199254740993,7\n9007199254740992,12.50\n");
    // The texts are as good as the numbers, where they are sent back and where they are asked for.
    read("exact/_table/t?fields=f&filter=id%3D%22-9007199254740993%22").is_ok(r#"{"resource":[{"f":null}]}"#);
    let tags = ["number", "string"].map(|numbers| {
        let one = read(&format!("exact/_table/t/9007199254740992?numbers={numbers}"));
        one.header("etag").to_owned()
    });
    assert_eq!(tags[1], format!("{}-string\"", tags[0].trim_end_matches('"')), "other bytes, another tag");
    read("shop/_table/stored?fields=big&limit=1&numbers=string")
        .is_ok(r#"{"resource":[{"big":"9223372036854775807"}]}"#);
    read("shop/_table/stored?fields=big&limit=1").is_ok(r#"{"resource":[{"big":9223372036854775807}]}"#);
    let context = json!({ "parameter": "numbers", "position": null, "expected": null });
    let message = "'numbers' must be 'number' or 'string'";
    read("shop/_table/stored?numbers=text").is_error_with(400, message, &context);
}

#[test]
fn what_a_write_shows_has_its_large_numbers_as_they_are_asked_for() {
    let stock = Stock::new();
    for service in SERVICES {
        let send = |verb, behind, body| stock.send(WRITER, service, (verb, behind), body);
        let shown = r#"{"name":"d","qty":"9007199254740993"}"#;
        send("POST", "?fields=name,qty&numbers=string", r#"[{"name":"d","qty":"9007199254740993"}]"#)
            .is_ok(&format!(r#"{{"resource":[{shown}]}}"#));
        send("PATCH", "?filter=name%3Dd&fields=name,qty&numbers=string", r#"[{"state":"x"}]"#)
            .is_ok(&format!(r#"{{"resource":[{shown}]}}"#));
        send("DELETE", "/4?fields=name,qty&numbers=string", "").is_ok(shown);
    }
}

#[test]
fn the_same_rows_are_the_same_json_whatever_the_service() {
    let (shop, mem) = (read("shop/_table/people"), read("mem/_table/people"));
    assert_eq!(shop.status, 200);
    assert_eq!(shop.body, mem.body);
    assert!(shop.body.contains(r#"{"id":3,"name":"Cy Smith","email":null,"age":17,"balance":0.5,"score":-2.5,"serial":-9223372036854775808,"is_active":true,"born":null,"seen":null,"note":null,"photo":"AAA="}"#), "{}", shop.body);
    assert!(shop.body.contains(r#""name":"Żółw""#), "{}", shop.body);
}
