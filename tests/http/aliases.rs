//! Tables and fields with other names for clients than in the database: the same walk on SQLite, PostgreSQL and MariaDB, and what roles make
//! of it.

use serde_json::{Value as Json, json};

use crate::client::{Answer, get, request};
use crate::engine::{MARIADB, POSTGRES};
use crate::gateway::eventually;
use crate::schema_changes::{World, named, success};
use crate::shop::READER;

/// `customers` as `clients`, and `t_ord` as `orders`, which refers to it; most fields have aliases.
pub(crate) fn make_aliased(world: &World) {
    let customers = json!({ "name": "customers", "alias": "clients", "field": [
        { "name": "id", "type": "id" },
        { "name": "nm", "type": "string", "length": 40, "allow_null": false, "is_unique": true, "alias": "name" },
    ] });
    let orders = json!({ "name": "t_ord", "alias": "orders", "field": [
        { "name": "no", "type": "integer", "is_primary_key": true, "allow_null": false, "alias": "id" },
        { "name": "cust_id", "type": "reference", "ref_table": "customers", "ref_field": "id", "alias": "client_id" },
        { "name": "st", "type": "string", "length": 20, "allow_null": false, "alias": "status",
          "validation": { "picklist": {} }, "picklist": ["new", "paid", "lost"] },
        { "name": "amount", "type": "integer" },
    ] });
    world.is_ok("POST", "_schema", &json!([orders, customers]), &named(&["t_ord", "customers"]));
    let clients = json!([{ "name": "Ada" }, { "name": "Bob" }]);
    world.is_ok("POST", "_table/clients?fields=name", &clients, &resource(&clients));
    let orders = json!([
        { "id": 1, "client_id": 1, "status": "new", "amount": 5 },
        { "id": 2, "client_id": 1, "status": "paid", "amount": 7 },
        { "id": 3, "client_id": 2, "status": "new", "amount": 9 },
    ]);
    world.is_ok("POST", "_table/orders?fields=*", &orders, &resource(&orders));
}

pub(crate) fn resource(rows: &Json) -> Json {
    json!({ "resource": rows })
}

#[track_caller]
fn is(world: &World, path: &str, expected: Json) {
    let path = path.replace(' ', "%20").replace('>', "%3E");
    assert_eq!(world.read(&format!("_table/{path}"))["resource"], expected, "{path}");
}

fn walk(world: &World) {
    make_aliased(world);
    lists_and_descriptions(world);
    reads(world);
    related(world);
    writes(world);
    refusals(world);
    violations(world);
    nested(world);
}

fn lists_and_descriptions(world: &World) {
    is(world, "?ids=Clients,orders,t_ord", json!([{ "name": "clients" }, { "name": "orders" }]));
    let schema = world.read("_schema?fields=name,alias")["resource"].take();
    let known = |name: &str, alias: &str| {
        schema.as_array().unwrap().contains(&json!({ "name": name, "alias": alias }))
    };
    assert!(known("customers", "clients") && known("t_ord", "orders"), "{schema}");
    let described = world.read("_schema/t_ord");
    assert_eq!((&described["name"], &described["alias"]), (&json!("t_ord"), &json!("orders")));
    let fields = described["field"].as_array().unwrap().iter();
    let names: Vec<Json> = fields.map(|field| json!([field["name"], field["alias"]])).collect();
    let expected = json!([["no", "id"], ["cust_id", "client_id"], ["st", "status"], ["amount", null]]);
    assert_eq!(json!(names), expected);
    assert_eq!(described["primary_key"], json!(["no"]));
    let related = described["related"].as_array().unwrap();
    assert_eq!(
        (&related[0]["name"], &related[0]["field"]),
        (&json!("customers_by_cust_id"), &json!("cust_id"))
    );
    world.is_ok("PUT", "_schema/t_ord", &described, &json!({ "name": "t_ord" }));
    assert_eq!(world.read("_schema/t_ord"), described);
}

fn reads(world: &World) {
    is(
        world,
        "orders?filter=(status='new')and(client_id=2)",
        json!([
            { "id": 3, "client_id": 2, "status": "new", "amount": 9 },
        ]),
    );
    is(
        world,
        "orders?fields=STATUS,id&order=client_id desc,amount&limit=2",
        json!([
            { "status": "new", "id": 3 }, { "status": "new", "id": 1 },
        ]),
    );
    is(
        world,
        "orders?group=status&fields=status,SUM(amount),MAX(id)&order=status&having=MAX(id)>0",
        json!([
            { "status": "new", "SUM_amount": 14, "MAX_id": 3 }, { "status": "paid", "SUM_amount": 7, "MAX_id": 2 },
        ]),
    );
    is(
        world,
        "orders?fields=status&distinct=true&order=status desc",
        json!([
            { "status": "paid" }, { "status": "new" },
        ]),
    );
    is(world, "clients?ids=Bob,Ada&id_field=name&fields=name", json!([{ "name": "Bob" }, { "name": "Ada" }]));
    is(world, "orders?ids=3,1&as_list=true", json!([3, 1]));
    let body = json!({ "ids": [{ "id": 2 }], "fields": "id" });
    let tunnelled = world.gateway.send(
        request("POST", "/api/v2/store/_table/orders").key(READER).header("X-HTTP-Method", "GET").body(body),
    );
    tunnelled.is_ok(&resource(&json!([{ "id": 2 }])).to_string());
    assert_eq!(world.read("_table/orders?filter=status='new'&count_only=true"), json!(2));
    let csv = get("/api/v2/store/_table/orders?order=id&limit=1").key(READER).header("Accept", "text/csv");
    assert_eq!(world.gateway.send(csv).body.lines().next(), Some("id,client_id,status,amount"));
    let mut seen = Vec::new();
    let mut cursor = "page=cursor".to_owned();
    while !cursor.is_empty() {
        let page = world.read(&format!("_table/orders?order=status%20desc&limit=1&fields=amount&{cursor}"));
        seen.extend(page["resource"].as_array().unwrap().iter().map(|row| row["amount"].clone()));
        cursor =
            page["meta"]["next_cursor"].as_str().map(|token| format!("cursor={token}")).unwrap_or_default();
    }
    assert_eq!(seen, [7, 9, 5]);
}

fn related(world: &World) {
    is(
        world,
        "orders?ids=3&fields=amount&related=customers_by_cust_id",
        json!([
            { "amount": 9, "customers_by_cust_id": { "id": 2, "name": "Bob" } },
        ]),
    );
    let orders = "related=t_ord_by_cust_id&t_ord_by_cust_id.fields=status&t_ord_by_cust_id.order=id";
    is(
        world,
        &format!("clients?fields=name&order=name&{orders}"),
        json!([
            { "name": "Ada", "t_ord_by_cust_id": [{ "status": "new" }, { "status": "paid" }] },
            { "name": "Bob", "t_ord_by_cust_id": [{ "status": "new" }] },
        ]),
    );
    is(world, "clients?fields=name&filter=t_ord_by_cust_id.status='paid'", json!([{ "name": "Ada" }]));
    is(
        world,
        "orders?fields=id&filter=(customers_by_cust_id.name='Ada')and(status='new')",
        json!([{ "id": 1 }]),
    );
    let one = world.read("_table/clients/1?fields=name&related=t_ord_by_cust_id&t_ord_by_cust_id.limit=1");
    assert_eq!(one["t_ord_by_cust_id"][0]["client_id"], 1);
}

fn writes(world: &World) {
    // What the database calls a field is no member of a record.
    let record =
        json!({ "resource": [{ "id": 4, "st": "lost", "status": "new", "cust_id": 1, "amount": 1 }] });
    world.is_ok("POST", "_table/orders", &record, &resource(&json!([{ "id": 4 }])));
    assert_eq!(
        world.read("_table/orders/4"),
        json!({ "id": 4, "client_id": null, "status": "new", "amount": 1 })
    );
    world.is_ok("PATCH", "_table/orders/4", &json!({ "status": "paid" }), &json!({ "id": 4 }));
    let by_filter = json!({ "resource": [{ "amount": { "expression": "id + 40" } }] });
    world.is_ok(
        "PATCH",
        "_table/orders?filter=id=4&fields=amount,status",
        &by_filter,
        &resource(&json!([
            { "amount": 44, "status": "paid" },
        ])),
    );
    let upserted = json!({ "resource": [{ "id": 5, "status": "new" }, { "id": 4, "status": "lost" }] });
    let expected = resource(&json!([{ "id": 5, "status": "new" }, { "id": 4, "status": "lost" }]));
    world.is_ok("PUT", "_table/orders?upsert=true&fields=id,status", &upserted, &expected);
    let by_name = resource(&json!([{ "name": "Bob" }]));
    world.is_ok("PATCH", "_table/clients?id_field=name", &by_name, &by_name);
    world.is_ok(
        "DELETE",
        "_table/orders?filter=status%20in%20('lost')",
        &Json::Null,
        &resource(&json!([{ "id": 4 }])),
    );
    world.is_ok("DELETE", "_table/orders/5", &Json::Null, &json!({ "id": 5 }));
    let read = world.ask("GET", "_table/orders/1", &Json::Null);
    let conditional = |version: &str| -> Answer {
        let changed =
            request("PATCH", "/api/v2/store/_table/orders/1").key(READER).header("If-Match", version);
        world.gateway.send(changed.body(json!({ "amount": 6 })))
    };
    let version = read.header("etag").to_owned();
    assert_eq!((conditional(&version).status, conditional(&version).status), (200, 412));
}

/// Related records inside records go by clients' names, also where the database's lead from one to the other.
fn nested(world: &World) {
    let order =
        json!([{ "id": 90, "status": "new", "amount": 1, "customers_by_cust_id": { "name": "Cid" } }]);
    world.is_ok("POST", "_table/orders", &order, &resource(&json!([{ "id": 90 }])));
    let cid = world.read("_table/clients?filter=name%3D'Cid'")["resource"][0]["id"].clone();
    is(world, "orders?ids=90", json!([{ "id": 90, "client_id": cid, "status": "new", "amount": 1 }]));
    let other = json!([{ "id": 91, "status": "new", "amount": 2 }]);
    world.is_ok("POST", "_table/orders", &other, &resource(&json!([{ "id": 91 }])));
    let client = json!([{ "id": cid, "t_ord_by_cust_id": [
        { "id": 91, "status": "paid" }, { "id": 90, "client_id": null },
    ] }]);
    let order = json!({ "id": 91, "client_id": cid, "status": "paid", "amount": 2 });
    let shown = json!([{ "id": cid, "name": "Cid", "t_ord_by_cust_id": [order] }]);
    world.is_ok("PATCH", "_table/clients?fields=*&related=t_ord_by_cust_id", &client, &resource(&shown));
    is(world, "orders?ids=90", json!([{ "id": 90, "client_id": null, "status": "new", "amount": 1 }]));
}

/// What the database says of its columns is told with the names that clients have.
fn violations(world: &World) {
    let check = |body: Json, field: &str| {
        let answer = world.ask("POST", "_table/clients", &json!([body]));
        let entry = answer.json()["error"]["context"]["resource"][0].take();
        let message = entry["message"].as_str().unwrap();
        assert!(message.contains(&format!("({field})")) || !message.contains('('), "{}", answer.body);
        assert!(!answer.body.contains("nm)") && !answer.body.contains("customers."), "{}", answer.body);
        assert_eq!(entry["code"], "23505", "{}", answer.body);
    };
    check(json!({ "name": "Ada" }), "name");
    check(json!({ "id": 1, "name": "Dee" }), "id");
}

fn refusals(world: &World) {
    let refused = |path: &str, expected: (u16, &str)| {
        world.is_refused("GET", &format!("_table/{path}"), &Json::Null, expected);
    };
    refused("t_ord", (404, "its alias 'orders'"));
    refused("T_ORD/1", (404, "its alias 'orders'"));
    refused("orders?fields=st", (400, "Invalid field requested: st"));
    refused("orders?filter=st='new'", (400, "'st'"));
    refused("orders?order=st", (400, "'st'"));
    refused("orders?group=st", (400, "'st'"));
    refused("orders?filter=customers_by_cust_id.nm='Ada'", (400, "customers_by_cust_id.nm"));
    let record = |record: Json| json!({ "resource": [record] });
    for (table, body, expected) in [
        ("clients", record(json!({ "id": 7 })), "Required field 'name' can not be NULL."),
        ("orders", record(json!({ "id": 7, "status": null })), "Field 'status' can not be NULL."),
        ("orders", record(json!({ "id": 7, "status": "x" })), "Field 'status' value is invalid."),
        ("orders", record(json!({ "id": "x", "status": "new" })), "Field 'id'"),
    ] {
        let answer = world.ask("POST", &format!("_table/{table}"), &body);
        assert!(answer.status == 400 && answer.body.contains(expected), "{body}: {}", answer.body);
    }
}

#[test]
fn aliases_take_the_place_of_names_in_all_that_is_done_with_rows() {
    walk(&World::of_file(""));
}

#[test]
fn aliases_take_the_place_of_names_in_all_that_is_done_with_rows_on_postgresql() {
    walk(&World::of_server(&POSTGRES));
}

#[test]
fn aliases_take_the_place_of_names_in_all_that_is_done_with_rows_on_mariadb() {
    walk(&World::of_server(&MARIADB));
}

#[test]
fn an_alias_that_is_taken_back_leaves_the_name_of_the_database() {
    let world = World::of_file("");
    make_aliased(&world);
    world.is_ok("PATCH", "_schema/t_ord", &json!({ "alias": null }), &json!({ "name": "t_ord" }));
    world.is_ok("PATCH", "_schema/t_ord/_field/st", &json!({ "alias": null }), &success());
    is(&world, "t_ord?fields=st&ids=1", json!([{ "st": "new" }]));
    world.is_refused("GET", "_table/orders", &Json::Null, (404, "Table &quot;orders&quot; does not exist"));
    world.is_ok("PATCH", "_schema/t_ord/_field/st", &json!({ "alias": "state" }), &success());
    is(&world, "t_ord?fields=state&ids=1", json!([{ "state": "new" }]));
    world.is_ok("DELETE", "_schema/t_ord", &Json::Null, &success());
    world.is_ok("PATCH", "_schema/customers", &json!({ "alias": "orders" }), &json!({ "name": "customers" }));
    is(&world, "orders?fields=name&ids=1", json!([{ "name": "Ada" }]));
}

#[test]
fn no_two_tables_and_no_two_fields_have_the_same_name() {
    let world = World::of_file("");
    make_aliased(&world);
    let refused = |verb: &str, path: &str, body: Json, part: &str| {
        let before = world.read("_schema?ids=customers,t_ord");
        world.is_refused(verb, path, &body, (400, part));
        assert_eq!(world.read("_schema?ids=customers,t_ord"), before);
    };
    refused("PATCH", "_schema/customers", json!({ "alias": "ORDERS" }), "is a name of");
    refused("PATCH", "_schema/customers", json!({ "alias": "T_ord" }), "is the name of another table");
    refused("PATCH", "_schema/customers", json!({ "alias": "a/b" }), "must be made of letters");
    let field = json!({ "name": "id", "type": "id" });
    refused(
        "POST",
        "_schema",
        json!([{ "name": "Orders", "field": [field] }]),
        "is the alias of the table 't_ord'",
    );
    refused("PATCH", "_schema/t_ord/_field/st", json!({ "alias": "Amount" }), "is the name of another field");
    refused(
        "PATCH",
        "_schema/t_ord/_field/st",
        json!({ "alias": "client_ID" }),
        "is that of another field, too",
    );
    refused("PATCH", "_schema/t_ord/_field/Status", json!({ "type": "string" }), "the name of another field");
    // A mistake by hand is told before it counts.
    let path = world.gateway.setup.path("data/extras/store.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("alias = \"clients\"", "alias = \"orders\"")).unwrap();
    let checked = world.gateway.setup.run(&["check"]);
    let told =
        String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert!(!checked.status.success() && told.contains("the alias 'orders' is a name of"), "{told}");
}

#[test]
fn a_field_that_comes_with_the_name_of_an_alias_is_told_and_goes_first() {
    let world = World::of_file("");
    make_aliased(&world);
    let database = rusqlite::Connection::open(world.gateway.setup.path("store.sqlite")).unwrap();
    database.execute_batch("ALTER TABLE t_ord ADD COLUMN status TEXT").unwrap();
    let row = world.read("_table/orders/1?refresh=true");
    assert_eq!(row, json!({ "id": 1, "client_id": 1, "st": "new", "amount": 5, "status": null }));
    assert!(world.gateway.log.find("an alias or function does not fit its table").is_some());
}

const ROLES: &str = r#"
[[roles]]
name = "by-alias"
[[roles.access]]
service = "store"
component = "_table"
verbs = ["GET"]
[[roles.access]]
service = "store"
component = "_table/orders/*"
verbs = ["GET", "PATCH"]
filters = [{ name = "st", operator = "=", value = "paid" }]
[[roles.access]]
service = "store"
component = "_table/clients/*"
verbs = ["GET"]
filters = [{ name = "NAME", operator = "!=", value = "Bob" }]

[[roles]]
name = "all-but-some"
[[roles.access]]
service = "store"
component = "_table/*"
verbs = ["GET", "POST", "PUT"]
[[roles.access]]
service = "store"
component = "_table/t_ord"
verbs = ["GET", "PUT"]
filters = [{ name = "st", operator = "=", value = "paid" }]
[[roles.access]]
service = "store"
component = "_table/customers"
verbs = ["DELETE"]

[[roles]]
name = "namer"
[[roles.access]]
service = "store"
component = "_schema/*"
verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]
[[roles.access]]
service = "store"
component = "_table/orders/*"
verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]
filters = [{ name = "st", operator = "=", value = "paid" }]
[[roles.access]]
service = "store"
component = "_table/mine/*"
verbs = ["GET"]

[[roles]]
name = "by-name"
[[roles.access]]
service = "store"
component = "_table/t_ord/*"
verbs = ["GET"]

[[apps]]
name = "by-alias"
role = "by-alias"
api_key = "by-alias"
[[apps]]
name = "all-but-some"
role = "all-but-some"
api_key = "all-but-some"
[[apps]]
name = "namer"
role = "namer"
api_key = "namer"
[[apps]]
name = "by-name"
role = "by-name"
api_key = "by-name"
"#;

#[test]
fn roles_name_tables_by_their_aliases_and_row_rules_name_fields_either_way() {
    let world = World::of_file(ROLES);
    make_aliased(&world);
    let ask = |path: &str| world.ask_as("by-alias", "GET", path, &Json::Null);
    ask("_table/orders?fields=id").is_ok(r#"{"resource":[{"id":2}]}"#);
    ask("_table/clients?fields=name").is_ok(r#"{"resource":[{"name":"Ada"}]}"#);
    ask("_table/orders?fields=id&filter=customers_by_cust_id.name%20like%20'%25'")
        .is_ok(r#"{"resource":[{"id":2}]}"#);
    let clients = json!([{ "name": "Ada", "id": 1, "t_ord_by_cust_id": [{ "id": 2 }] }]);
    let orders = "related=t_ord_by_cust_id&t_ord_by_cust_id.fields=id";
    assert_eq!(ask(&format!("_table/clients?fields=name,id&{orders}")).json()["resource"], clients);
    let change = |to: &str| world.ask_as("by-alias", "PATCH", "_table/orders/2", &json!({ "status": to }));
    assert_eq!((change("new").status, change("paid").status), (403, 200));
    ask("_table").is_ok(r#"{"resource":[{"name":"clients"},{"name":"orders"}]}"#);
    assert_eq!(ask("_table/t_ord").status, 401);
}

#[test]
fn an_alias_leads_around_no_entry_of_a_role() {
    let world = World::of_file(ROLES);
    make_aliased(&world);
    let key = "all-but-some";
    let ask = |path: &str| world.ask_as(key, "GET", path, &Json::Null);
    ask("_table/orders?fields=id").is_ok(r#"{"resource":[{"id":2}]}"#);
    for denied in [
        ask("_table/clients"),
        ask("_table/orders?related=customers_by_cust_id"),
        ask("_table/orders?filter=customers_by_cust_id.name='Ada'"),
        world.ask_as(key, "POST", "_table/orders", &resource(&json!([{ "id": 9, "status": "paid" }]))),
        world.ask_as(
            key,
            "PUT",
            "_table/orders?upsert=true",
            &resource(&json!([{ "id": 9, "status": "paid" }])),
        ),
    ] {
        assert_eq!(denied.status, 403, "{}", denied.body);
        assert!(!denied.body.contains("t_ord") && !denied.body.contains("customers\""), "{}", denied.body);
    }
    ask("_table?fields=name,access").is_ok(r#"{"resource":[{"name":"orders","access":["GET","PUT"]}]}"#);
    // Who may use the name of the database only may use none: rows have the other one.
    let by_name = |path: &str| world.ask_as("by-name", "GET", path, &Json::Null).status;
    assert_eq!((by_name("_table/orders"), by_name("_table/t_ord")), (401, 404));
}

#[test]
fn names_and_functions_are_for_who_may_do_everything_with_all_rows() {
    let world = World::of_file(ROLES);
    make_aliased(&world);
    let change = |path: &str, wish: Json| world.ask_as("namer", "PATCH", path, &wish).status;
    assert_eq!(change("_schema/t_ord", json!({ "alias": "mine" })), 403);
    assert_eq!(change("_schema/t_ord", json!({ "alias": "orders", "label": "Orders" })), 200);
    let lower = json!({ "db_function": [{ "use": ["FILTER"], "function": "lower(st)" }] });
    assert_eq!(change("_schema/t_ord/_field/st", lower), 403);
    assert_eq!(change("_schema/t_ord/_field/st", json!({ "alias": "st2" })), 403);
    assert!(matches!(change("_schema/customers", json!({ "alias": "mine" })), 401 | 403));
    world.is_refused("GET", "_table/mine", &Json::Null, (404, "mine"));
}

#[test]
fn aliases_written_by_hand_count_after_a_reload() {
    let world = World::of_file("");
    world.make_trucks();
    world.gateway.setup.write(
        "data/extras/store.toml",
        "[tables.trucks]\nalias = \"lorries\"\n[tables.trucks.fields.make]\nalias = \"maker\"\n",
    );
    world.gateway.signal("HUP");
    eventually("the file is read again", || world.ask("GET", "_table/lorries", &Json::Null).status == 200);
    world.is_ok(
        "POST",
        "_table/lorries?fields=maker",
        &json!([{ "maker": "Saab" }]),
        &resource(&json!([{ "maker": "Saab" }])),
    );
}
