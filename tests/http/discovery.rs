//! Discovery, roots of services, lists of tables, and the forms in which an address may be written.

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::{get, request};
use crate::shop::{NOBODY, READER, admin_token, read, reading, setup, shared};

const SHOP: &str = r#"{"id":1,"name":"Shop","label":"Shop DB","description":"orders","type":"sqlite"}"#;
const MEM: &str = r#"{"id":2,"name":"mem","label":"","description":"","type":"memory"}"#;
const MEMORY_TYPE: &str = r#"{"name":"memory","label":"Memory","group":"Database","description":"Tables written in the configuration or in a JSON file, held in memory"}"#;
const SQLITE_TYPE: &str = r#"{"name":"sqlite","label":"SQLite","group":"Database","description":"Tables and views of one SQLite database file."}"#;

/// The name of a table that means trouble in SQL, in a path and in JSON, percent-encoded.
const ODD: &str = "odd%20%22name%22%20(1)%2F50%25%3B%20DROP%20TABLE%20orders%20--";

fn discovered(services: &[&str], types: &[&str]) -> String {
    format!(r#"{{"services":[{}],"service_types":[{}]}}"#, services.join(","), types.join(","))
}

#[test]
fn discovery_shows_the_services_that_the_caller_may_touch_and_all_types() {
    let check = |request: crate::client::Request, services: &[&str]| {
        shared().send(request).is_ok(&discovered(services, &[MEMORY_TYPE, SQLITE_TYPE]));
    };
    check(get("/api/v2"), &[]);
    check(get("/api/v2").key("unknown"), &[]);
    check(get("/api/v2").key(NOBODY), &[]);
    check(get("/api/v2").key(READER), &[SHOP, MEM]);
    check(get("/api/v2").token(admin_token()), &[SHOP, MEM]);
}

#[test]
fn discovery_gives_the_asked_properties_and_ignores_others() {
    let check = |fields: &str, services: &[&str]| {
        reading("")
            .with("fields", fields)
            .send(shared().address)
            .is_ok(&discovered(services, &[MEMORY_TYPE, SQLITE_TYPE]));
    };
    check("type,name,nonsense", &[r#"{"name":"Shop","type":"sqlite"}"#, r#"{"name":"mem","type":"memory"}"#]);
    check(
        "id, label ,description",
        &[r#"{"id":1,"label":"Shop DB","description":"orders"}"#, r#"{"id":2,"label":"","description":""}"#],
    );
    check("nonsense", &["{}", "{}"]);
    check("*", &[SHOP, MEM]);
}

#[test]
fn discovery_is_filtered_by_type_and_group() {
    let check = |name: &str, value: &str, services: &[&str], types: &[&str]| {
        reading("").with(name, value).send(shared().address).is_ok(&discovered(services, types));
    };
    check("type", "memory", &[MEM], &[MEMORY_TYPE]);
    check("type", "nonsense", &[], &[]);
    check("group", "Database", &[SHOP, MEM], &[MEMORY_TYPE, SQLITE_TYPE]);
    check("group", "Cache", &[], &[]);
}

#[test]
fn discovery_is_read_only() {
    let message = "The method POST is not supported at this address; use GET.";
    shared().send(request("POST", "/api/v2").key(READER)).is_error(405, message);
    shared()
        .send(request("POST", "/api/v2").header("X-HTTP-Method", "GET"))
        .is_ok(&discovered(&[], &[MEMORY_TYPE, SQLITE_TYPE]));
}

#[test]
fn a_service_root_lists_its_resources() {
    let check = |query: &str, resources: &str| {
        read(&format!("shop{query}")).is_ok(&format!(r#"{{"resource":[{resources}]}}"#))
    };
    check("", r#"{"name":"_schema"},{"name":"_table"}"#);
    check("?fields=*", r#"{"name":"_schema","label":"Schema"},{"name":"_table","label":"Tables"}"#);
    check("?fields=label", r#"{"label":"Schema"},{"label":"Tables"}"#);
    check("?as_list=true", r#""_schema","_table""#);
    check("?include_access=true", r#"{"name":"_schema"},{"name":"_table"}"#);
    check(
        "?include_access=true&fields=*",
        r#"{"name":"_schema","label":"Schema","access":["GET"]},{"name":"_table","label":"Tables","access":["GET"]}"#,
    );
}

#[test]
fn an_administrator_has_access_with_all_verbs() {
    let answer =
        get("/api/v2/shop?include_access=1&fields=name,access").token(admin_token()).send(shared().address);
    let all = r#"["GET","POST","PUT","PATCH","DELETE"]"#;
    answer.is_ok(&format!(
        r#"{{"resource":[{{"name":"_schema","access":{all}}},{{"name":"_table","access":{all}}}]}}"#
    ));
}

#[test]
fn the_access_list_has_two_strings_for_each_table() {
    read("mem?as_access_list=true").is_ok(
        r#"{"resource":["","*","_schema/","_schema/*","_schema/people/","_schema/people/*","_table/","_table/*","_table/people/","_table/people/*"]}"#,
    );
}

/// The tables of `shop` in natural order, whatever their case.
fn tables() -> Vec<&'static str> {
    vec![
        "article9",
        "Article10",
        "customers",
        "logs",
        "numbers",
        r#"odd "name" (1)/50%; DROP TABLE orders --"#,
        "order_items",
        "orders",
        "paid_orders",
        "people",
        "products",
        "profiles",
        "stored",
    ]
}

#[test]
fn tables_are_listed_in_natural_order_with_their_names() {
    let named: Vec<Json> = tables().iter().map(|name| json!({ "name": name })).collect();
    for resource in ["_table", "_schema"] {
        read(&format!("shop/{resource}")).is_ok(&json!({ "resource": named }).to_string());
        read(&format!("shop/{resource}?as_list=true")).is_ok(&json!({ "resource": tables() }).to_string());
    }
}

#[test]
fn lists_of_tables_give_the_asked_properties_of_the_asked_tables() {
    let check =
        |path: &str, rows: &str| read(&format!("shop/{path}")).is_ok(&format!(r#"{{"resource":[{rows}]}}"#));
    let properties = r#""name":"order_items","label":"Order Items","description":null,"native":[],"plural":"Order Items","is_view":false,"access":["GET"]"#;
    check("_table?ids=order_items&fields=*", &format!("{{{properties}}}"));
    check("_table?ids=Orders,customers,missing", r#"{"name":"customers"},{"name":"orders"}"#);
    check("_table?ids=orders&fields=access,name", r#"{"access":["GET"],"name":"orders"}"#);
    check("_table?ids=orders&fields=name,nonsense", r#"{"name":"orders"}"#);
    check("_table?ids=orders,paid_orders&fields=is_view", r#"{"is_view":false},{"is_view":true}"#);
    check("_table?schema=main", "");
    let answer = read("shop/_schema?fields=*").json();
    let row = &answer["resource"][6];
    assert_eq!(row.to_string(), format!(r#"{{"alias":null,{properties}}}"#));
}

#[test]
fn a_new_table_is_listed_after_refresh() {
    let gateway = setup("").start();
    let names = |query: &str| {
        let answer = gateway.send(reading(&format!("shop/_table?as_list=true{query}"))).json();
        answer["resource"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(""), tables());
    let database = Connection::open(gateway.setup.path("shop.sqlite")).unwrap();
    database.execute_batch("CREATE TABLE zoo (id INTEGER PRIMARY KEY)").unwrap();
    assert_eq!(names(""), tables(), "the catalogue is kept");
    let with_zoo: Vec<&str> = tables().into_iter().chain(["zoo"]).collect();
    assert_eq!(names("&refresh=true"), with_zoo);
    assert_eq!(names(""), with_zoo);
}

#[test]
fn one_address_may_be_written_in_many_ways() {
    let expected = r#"{"resource":[{"id":1}]}"#;
    for path in [
        "/api/v2/shop/_table/orders",
        "/api/v2.0/shop/_table/orders",
        "/api/shop/_table/orders",
        "/api/v2/SHOP/_table/orders",
        "/api/v2/shop/_table/ORDERS",
        "/api/v2/shop/_table/orders/",
        "/api/v2//shop/_table//orders",
        "/api/v2/shop/_table/../orders",
        "/api/v2/shop/.././_table/./orders",
        "/api/v2/%73hop/_tabl%65/%6Frders",
    ] {
        get(path).key(READER).with("fields", "id").with("limit", 1).send(shared().address).is_ok(expected);
    }
    for path in ["/api", "/api/", "/api/v2/", "/api/v2.0"] {
        shared().send(get(path)).is_ok(&discovered(&[], &[MEMORY_TYPE, SQLITE_TYPE]));
    }
}

#[test]
fn any_table_name_can_be_addressed() {
    let fields = [("fields", "select,naïve.größe"), ("filter", "\"order date, 'utc'\" = 2013-01-01")];
    let odd =
        |path: &str| fields.iter().fold(reading(path), |request, (name, value)| request.with(name, value));
    let answer = odd(&format!("shop/_table/{ODD}")).send(shared().address);
    answer.is_ok(r#"{"resource":[{"select":1,"naïve.größe":"XL"}]}"#);
    read(&format!("shop/_table/{ODD}/2?fields=a%22b%5D%20%60c%60")).is_ok(r#"{"a\"b] `c`":"y; --"}"#);
    read("shop/_table/orders?count_only=true").is_ok("5");
}

#[test]
fn what_is_not_there_is_a_json_404() {
    let check = |path: &str, message: &str| {
        let answer = get(path).token(admin_token()).send(shared().address);
        answer.is_error(404, message);
        assert_eq!(answer.header("content-type"), "application/json");
    };
    let nothing = "There is nothing at this address; the API begins at /api/v2.";
    check("/", nothing);
    check("/favicon.ico", nothing);
    check("/apiv2/shop", nothing);
    check("/api/v2/nowhere", "Could not find a service for nowhere");
    check("/api/v2/nowhere/_table/x", "Could not find a service for nowhere");
    check("/api/v2/shop/nothing", "Resource 'nothing' not found for service 'shop'.");
    check("/api/v2/shop/_procs/x", "Resource '_procs/x' not found for service 'shop'.");
    check("/api/v2/shop/_table/orders/1/2", "Resource '_table/orders/1/2' not found for service 'shop'.");
    check("/api/v2/shop/_table/nothing", "Table &quot;nothing&quot; does not exist in the database.");
    check("/api/v2/shop/_schema/nothing", "Table &quot;nothing&quot; does not exist in the database.");
}

#[test]
fn an_inactive_service_is_refused_and_not_listed() {
    for path in ["closed", "closed/_table", "Closed/_table/x"] {
        read(path).is_error(403, "Service closed is deactivated.");
    }
}

#[test]
fn a_verb_that_a_resource_does_not_have_is_refused() {
    let check = |verb: &str, path: &str, status: u16, message: &str| {
        let target = format!("/api/v2/{path}");
        shared().send(request(verb, &target).token(admin_token())).is_error(status, message);
    };
    let without = |verb: &str, name: &str| {
        format!("{verb} requests without a resource are not currently supported by the '{name}' service.")
    };
    for verb in ["POST", "PUT", "PATCH", "DELETE"] {
        check(verb, "shop", 400, &without(verb, "shop"));
        check(verb, "shop/_table", 400, &without(verb, "_table"));
    }
}

#[test]
fn head_is_get_without_a_body() {
    let asked = get("/api/v2/shop/_table/orders/1").key(READER).send(shared().address);
    let head = request("HEAD", "/api/v2/shop/_table/orders/1").key(READER).send(shared().address);
    head.is_ok("");
    assert_eq!(head.header("content-length"), asked.body.len().to_string());
    let refused = request("HEAD", "/api/v2/shop/_table/orders/1").send(shared().address);
    refused.is(400, "");
}
