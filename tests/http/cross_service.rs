//! Relationships that lead into other services, of the same kind and of others: what belongs where, whose rights hold, what is told when
//! the other service can't be asked.

use std::sync::OnceLock;

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::{Answer, get, request};
use crate::documents::{STORE, fixture, guessed, service_config};
use crate::engine::POSTGRES;
use crate::gateway::{Gateway, Setup};
use crate::logs::statements_of;
use crate::sales::with;
use crate::schema_changes::{named, success};
use crate::shop::{EVERYTHING, READER};

/// Reads both shops, of contacts only those that are open.
const CLERK: &str = "key-of-clerks";
/// Reads one of them.
const SELLER: &str = "key-of-sellers";

const CONFIG: &str = r#"
[logging]
query_log = true
format = "json"

[[services]]
name = "shop"
type = "sqlite"
[services.config]
database = "shop.sqlite"
max_records = 5

[[services]]
name = "crm"
type = "sqlite"
[services.config]
database = "crm.sqlite"
max_records = 3

[[services]]
name = "off"
type = "sqlite"
is_active = false
[services.config]
database = "crm.sqlite"

[[services]]
name = "gone"
type = "sqlite"
[services.config]
database = "no/such/folder.sqlite"

[[roles]]
name = "clerk"
access = [
  { service = "shop", component = "_table/*", verbs = ["GET"] },
  { service = "crm", component = "_table/contacts/*", verbs = ["GET"], filters = [{ name = "state", operator = "=", value = "open" }] },
  { service = "crm", component = "_table/labels/*", verbs = ["GET"] },
]

[[apps]]
name = "clerk"
role = "clerk"
api_key = "key-of-clerks"

[[roles]]
name = "seller"
access = [{ service = "shop", component = "_table/*", verbs = ["GET"] }]

[[apps]]
name = "seller"
role = "seller"
api_key = "key-of-sellers"
"#;

const SHOP: &str = "
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, mail TEXT);
INSERT INTO customers VALUES (1, 'Ada', 'ada@x'), (2, 'Bob', NULL), (3, 'Cy', 'cy@x');
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), label TEXT);
INSERT INTO orders VALUES (1, 1, '7'), (2, 1, 'x'), (3, 3, '8.0');
CREATE TABLE marks (customer INTEGER, label INTEGER);
INSERT INTO marks VALUES (1, 7), (1, 8), (3, 8);
";

const CRM: &str = "
CREATE TABLE contacts (id INTEGER PRIMARY KEY, customer TEXT, state TEXT NOT NULL);
INSERT INTO contacts VALUES (1, '1', 'open'), (2, '1', 'done'), (3, '3', 'done'), (4, '1', 'open'), (5, '1', 'open'), (6, 'none', 'open');
CREATE TABLE labels (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
INSERT INTO labels VALUES (7, 'red'), (8, 'blue');
";

/// Two shops that relate to each other.
const RELATED: &str = r#"
[tables.customers.relationships."crm.contacts_by_customer"]
alias = "contacts"
virtual = { type = "has_many", field = ["id"], ref_service = "crm", ref_table = "contacts", ref_field = ["customer"] }

[tables.customers.relationships."crm.labels_by_marks"]
alias = "labels"
virtual = { type = "many_many", field = ["id"], ref_service = "crm", ref_table = "labels", ref_field = ["id"], junction_table = "marks", junction_field = ["customer"], junction_ref_field = ["label"] }

[tables.orders.relationships."crm.labels_by_label"]
alias = "tag"
virtual = { type = "belongs_to", field = ["label"], ref_service = "crm", ref_table = "LABELS", ref_field = ["ID"] }

[tables.orders.relationships."off.labels_by_label"]
virtual = { type = "belongs_to", field = ["label"], ref_service = "off", ref_table = "labels", ref_field = ["id"] }

[tables.orders.relationships."gone.labels_by_label"]
virtual = { type = "belongs_to", field = ["label"], ref_service = "gone", ref_table = "labels", ref_field = ["id"] }

[tables.orders.relationships."nowhere.labels_by_label"]
virtual = { type = "belongs_to", field = ["label"], ref_service = "nowhere", ref_table = "labels", ref_field = ["id"] }

[tables.orders.relationships."crm.nothing_by_label"]
virtual = { type = "belongs_to", field = ["label"], ref_service = "crm", ref_table = "nothing", ref_field = ["id"] }

[tables.orders.relationships."crm.contacts_by_label"]
virtual = { type = "belongs_to", field = ["label"], ref_service = "crm", ref_table = "contacts", ref_field = ["nothing"] }
"#;

const RELATED_BACK: &str = r#"
[tables.contacts.relationships."shop.customers_by_customer"]
alias = "customer_row"
virtual = { type = "belongs_to", field = ["customer"], ref_service = "shop", ref_table = "customers", ref_field = ["id"] }

[tables.labels.relationships."shop.customers_by_shop.marks"]
alias = "marked"
virtual = { type = "many_many", field = ["id"], ref_service = "shop", ref_table = "customers", ref_field = ["id"], junction_service = "shop", junction_table = "marks", junction_field = ["label"], junction_ref_field = ["customer"] }
"#;

fn make(setup: &Setup, database: &str, tables: &str) {
    Connection::open(setup.path(database)).unwrap().execute_batch(tables).unwrap();
}

fn shops() -> &'static Gateway {
    static SHARED: OnceLock<Gateway> = OnceLock::new();
    SHARED.get_or_init(|| {
        let setup = Setup::new(&format!("{CONFIG}{EVERYTHING}"));
        make(&setup, "shop.sqlite", SHOP);
        make(&setup, "crm.sqlite", CRM);
        setup.write("data/extras/shop.toml", RELATED);
        setup.write("data/extras/crm.toml", RELATED_BACK);
        setup.start()
    })
}

fn ask(key: &str, path: &str, parameters: &[(&str, &str)]) -> Answer {
    shops().send(with(get(&format!("/api/v2/{path}")).key(key), parameters))
}

#[track_caller]
fn read(path: &str, parameters: &[(&str, &str)], expected: &Json) {
    let answer = ask(READER, path, parameters);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json(), *expected, "{}", answer.body);
}

#[track_caller]
fn refuse(path: &str, parameters: &[(&str, &str)], (status, parts): (u16, &[&str])) {
    let answer = ask(READER, path, parameters);
    let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        answer.status == status && parts.iter().all(|part| message.contains(part)),
        "{} {}",
        answer.status,
        answer.body
    );
}

#[test]
fn rows_of_another_service_are_related_like_those_of_one() {
    read(
        "shop/_table/orders",
        &[("fields", "id"), ("related", "tag"), ("tag.fields", "text")],
        &json!({ "resource": [{ "id": 1, "tag": { "text": "red" } }, { "id": 2, "tag": null }, { "id": 3, "tag": { "text": "blue" } }] }),
    );
    read(
        "shop/_table/customers",
        &[
            ("fields", "id"),
            ("related", "contacts,labels"),
            ("contacts.fields", "id"),
            ("contacts.limit", "2"),
            ("contacts.order", "id desc"),
            ("labels.filter", "text = blue"),
        ],
        &json!({ "resource": [
            { "id": 1, "contacts": [{ "id": 5 }, { "id": 4 }], "labels": [{ "id": 8, "text": "blue" }] },
            { "id": 2, "contacts": [], "labels": [] },
            { "id": 3, "contacts": [{ "id": 3 }], "labels": [{ "id": 8, "text": "blue" }] },
        ], "meta": { "related_truncated": ["contacts"] } }),
    );
    read(
        "crm/_table/labels/8",
        &[("fields", "text"), ("related", "marked"), ("marked.fields", "name")],
        &json!({ "text": "blue", "marked": [{ "name": "Ada" }, { "name": "Cy" }] }),
    );
}

#[test]
fn the_way_goes_on_in_the_other_service_and_back() {
    read(
        "crm/_table/contacts",
        &[
            ("ids", "1,6"),
            ("fields", "id"),
            ("related", "customer_row.orders_by_customer_id.tag"),
            ("customer_row.fields", "name"),
            ("customer_row.orders_by_customer_id.fields", "id"),
            ("customer_row.orders_by_customer_id.tag.fields", "text"),
        ],
        &json!({ "resource": [
            { "id": 1, "customer_row": { "name": "Ada", "orders_by_customer_id": [{ "id": 1, "tag": { "text": "red" } }, { "id": 2, "tag": null }] } },
            { "id": 6, "customer_row": null },
        ] }),
    );
}

#[test]
fn each_relationship_of_a_level_takes_one_statement_whatever_the_number_of_rows() {
    let request = with(
        get("/api/v2/shop/_table/customers").key(READER),
        &[("related", "contacts,labels"), ("contacts.limit", "1")],
    );
    let (statements, answer) = statements_of(shops(), request);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let services: Vec<&str> = statements.iter().map(|line| line["service"].as_str().unwrap()).collect();
    assert_eq!(services, ["shop", "crm", "shop", "crm"], "{statements:?}");
}

#[test]
fn rights_and_row_rules_are_those_of_the_other_service() {
    let parameters =
        [("fields", "id"), ("related", "contacts"), ("contacts.fields", "id"), ("filter", "id <> 2")];
    let expected = json!({ "resource": [{ "id": 1, "contacts": [{ "id": 1 }, { "id": 4 }, { "id": 5 }] }, { "id": 3, "contacts": [] }] });
    ask(CLERK, "shop/_table/customers", &parameters).is_ok(&expected.to_string());
    let refused = ask(SELLER, "shop/_table/customers", &parameters);
    assert_eq!(refused.status, 401, "{}", refused.body);
    let all =
        ask(SELLER, "shop/_table/customers/1", &[("related", "*"), ("orders_by_customer_id.fields", "id")]);
    let expected = json!({ "id": 1, "name": "Ada", "mail": "ada@x", "orders_by_customer_id": [{ "id": 1 }, { "id": 2 }] });
    all.is_ok(&expected.to_string());
}

#[test]
fn a_service_that_can_not_be_asked_is_named() {
    let read =
        |name: &str, expected: (u16, &[&str])| refuse("shop/_table/orders", &[("related", name)], expected);
    read("off.labels_by_label", (403, &["off is deactivated"]));
    read("gone.labels_by_label", (503, &["'gone'"]));
    read("nowhere.labels_by_label", (404, &["nowhere"]));
    read("crm.nothing_by_label", (404, &["'nothing'", "'crm'", "change or delete"]));
    read("crm.contacts_by_label", (404, &["fields nothing", "'contacts'", "'crm'"]));
    shops()
        .send(get("/api/v2/shop/_table/orders/1").key(READER))
        .is_ok(&json!({ "id": 1, "customer_id": 1, "label": "7" }).to_string());
}

#[test]
fn a_filter_does_not_look_into_another_service_and_says_what_to_do() {
    let filtered = |table: &str, filter: &str| {
        refuse(&format!("shop/_table/{table}"), &[("filter", filter)], (501, &["service 'crm'", "IN (...)"]));
    };
    filtered("customers", "contacts.state = open");
    filtered("customers", "labels.text = red");
    filtered("orders", "customers_by_customer_id.contacts.state = open");
    // In the service of the related rows a filter looks where it likes.
    read(
        "crm/_table/contacts/1",
        &[
            ("fields", "id"),
            ("related", "customer_row"),
            ("customer_row.fields", "id"),
            ("customer_row.filter", "orders_by_customer_id.label = x"),
        ],
        &json!({ "id": 1, "customer_row": { "id": 1 } }),
    );
}

#[test]
fn in_a_transaction_of_one_service_the_other_is_read_outside_of_it() {
    let order = json!({ "id": 50, "customer_id": 2, "label": "8" });
    let batch = json!({ "operations": [
        { "id": "new", "method": "POST", "path": "_table/orders", "body": { "resource": [order] } },
        { "id": "seen", "method": "GET", "path": "_table/orders/50", "query": { "fields": "id", "related": "tag,customers_by_customer_id", "tag.fields": "text", "customers_by_customer_id.fields": "name" } },
        { "id": "gone", "method": "DELETE", "path": "_table/orders/50" },
    ] });
    let answer = shops().send(request("POST", "/api/v2/shop/_batch").key(READER).body(batch));
    let expected =
        json!({ "id": 50, "tag": { "text": "blue" }, "customers_by_customer_id": { "name": "Bob" } });
    assert_eq!(answer.json()["resource"][1]["body"], expected, "{}", answer.body);
}

#[test]
fn relationships_to_other_services_are_made_by_name_or_number_and_described_by_name() {
    let setup = Setup::new(&format!("{CONFIG}{EVERYTHING}"));
    make(&setup, "shop.sqlite", SHOP);
    make(&setup, "crm.sqlite", CRM);
    let gateway = setup.start();
    let ask = |verb: &str, path: &str, body: &Json| {
        let request = request(verb, &format!("/api/v2/shop/_schema/{path}")).key(READER);
        gateway.send(if body.is_null() { request } else { request.body(body) })
    };
    let services = gateway.send(get("/api/v2").key(READER)).json();
    let crm =
        services["services"].as_array().unwrap().iter().find(|service| service["name"] == "crm").unwrap();
    for service in [
        json!({ "ref_service_id": crm["id"] }),
        json!({ "ref_service_id": "CRM" }),
        json!({ "ref_service": "crm" }),
    ] {
        let mut wish = json!({ "type": "belongs_to", "is_virtual": true, "field": "label", "ref_table": "Labels", "ref_field": "Id" });
        wish.as_object_mut().unwrap().extend(service.as_object().unwrap().clone());
        let made = ask("POST", "orders/_related", &json!({ "resource": [wish] }));
        made.is_ok(&named(&["crm.labels_by_label"]).to_string());
        let shown = ask("GET", "orders/_related/crm.labels_by_label", &Json::Null).json();
        assert_eq!(
            (&shown["ref_service_id"], &shown["ref_table"], &shown["ref_field"]),
            (&json!("crm"), &json!("labels"), &json!("id"))
        );
        ask("PUT", "orders/_related/crm.labels_by_label", &shown).is_ok(&success().to_string());
        assert_eq!(ask("GET", "orders/_related/crm.labels_by_label", &Json::Null).json(), shown);
        ask("DELETE", "orders/_related/crm.labels_by_label", &Json::Null).is_ok(&success().to_string());
    }
    let own = json!({ "type": "has_many", "is_virtual": true, "field": "id", "ref_service": "shop", "ref_table": "marks", "ref_field": "customer" });
    ask("POST", "customers/_related", &own).is_ok(&named(&["marks_by_customer"]).to_string());
    let gone = json!({ "type": "has_many", "is_virtual": true, "field": "id", "ref_service": "gone", "ref_table": "marks", "ref_field": "customer" });
    let refused = ask("POST", "customers/_related", &gone);
    assert!(refused.status == 503 && refused.body.contains("gone"), "{}", refused.body);
}

/// A gateway with the shop and a store of another kind, in which relationships lead both ways.
fn beside(setup: Setup, other: &str, there: &str, here: &str) -> Gateway {
    make(&setup, "shop.sqlite", SHOP);
    setup.write("data/extras/shop.toml", here);
    setup.write(&format!("data/extras/{other}.toml"), there);
    setup.start()
}

/// The service of the shop alone.
fn shop() -> String {
    "[[services]]\nname = \"shop\"\ntype = \"sqlite\"\n[services.config]\ndatabase = \"shop.sqlite\"\n"
        .to_owned()
}

fn rows(gateway: &Gateway, path: &str, parameters: &[(&str, &str)]) -> Json {
    let answer = gateway.send(with(get(&format!("/api/v2/{path}")).key(READER), parameters));
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let mut answer = answer.json();
    if answer.get("resource").is_some() { answer["resource"].take() } else { answer }
}

fn create(gateway: &Gateway, path: &str, records: &Json) -> Json {
    let answer = gateway
        .send(request("POST", &format!("/api/v2/{path}")).key(READER).body(json!({ "resource": records })));
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()["resource"].take()
}

/// From the shop to documents.
const TO_DOCUMENTS: &str = r#"
[tables.customers.relationships."doc.guessed_by_owner"]
alias = "papers"
virtual = { type = "has_many", field = ["id"], ref_service = "doc", ref_table = "guessed", ref_field = ["owner"] }
[tables.customers.relationships."doc.guessed_by_owner_text"]
alias = "written"
virtual = { type = "has_many", field = ["id"], ref_service = "doc", ref_table = "guessed", ref_field = ["owner_text"] }
[tables.customers.relationships."doc.guessed_by_mail"]
alias = "paper"
virtual = { type = "belongs_to", field = ["mail"], ref_service = "doc", ref_table = "guessed", ref_field = ["_id"] }
"#;

/// From documents to the shop.
const FROM_DOCUMENTS: &str = r#"
[tables.guessed.relationships."shop.customers_by_owner"]
alias = "owner_row"
virtual = { type = "belongs_to", field = ["owner"], ref_service = "shop", ref_table = "customers", ref_field = ["id"] }
[tables.guessed.relationships."shop.customers_by_owner_text"]
alias = "owner_by_text"
virtual = { type = "belongs_to", field = ["owner_text"], ref_service = "shop", ref_table = "customers", ref_field = ["id"] }
[tables.guessed.relationships."shop.customers_by_mail"]
alias = "readers"
virtual = { type = "has_many", field = ["_id"], ref_service = "shop", ref_table = "customers", ref_field = ["mail"] }
"#;

#[test]
fn documents_and_rows_relate_both_ways_whatever_the_types_of_their_keys() {
    let fixture = fixture();
    let store = fixture.start(fixture.versions.first().unwrap(), &[guessed()]).unwrap();
    let config = format!(
        "{}[[services]]\nname = \"doc\"\ntype = \"{STORE}\"\n[services.config]\n{}\n{EVERYTHING}",
        shop(),
        service_config(&store)
    );
    let gateway = beside(Setup::new(&config).connector(STORE), "doc", FROM_DOCUMENTS, TO_DOCUMENTS);
    let made = create(
        &gateway,
        "doc/_table/guessed",
        &json!([
            { "name": "a", "owner": 1, "owner_text": "3" },
            { "name": "b", "owner": 3.0, "owner_text": "none" },
            { "name": "c", "owner": "x" },
        ]),
    );
    let id = made[0]["_id"].as_str().unwrap();
    create(&gateway, "shop/_table/customers", &json!([{ "id": 9, "name": "Eve", "mail": id }]));

    let of_shop = [
        ("fields", "id"),
        ("ids", "1,3,9"),
        ("related", "papers,written,paper"),
        ("papers.fields", "name"),
        ("written.fields", "name"),
        ("paper.fields", "name"),
    ];
    assert_eq!(
        rows(&gateway, "shop/_table/customers", &of_shop),
        json!([
            { "id": 1, "papers": [{ "name": "a" }], "written": [], "paper": null },
            { "id": 3, "papers": [{ "name": "b" }], "written": [{ "name": "a" }], "paper": null },
            { "id": 9, "papers": [], "written": [], "paper": { "name": "a" } },
        ])
    );
    let of_documents = [
        ("fields", "name"),
        ("filter", "name in ('a','b','c')"),
        ("order", "name"),
        ("related", "owner_row,owner_by_text,readers"),
        ("owner_row.fields", "id"),
        ("owner_by_text.fields", "id"),
        ("readers.fields", "id"),
    ];
    assert_eq!(
        rows(&gateway, "doc/_table/guessed", &of_documents),
        json!([
            { "name": "a", "owner_row": { "id": 1 }, "owner_by_text": { "id": 3 }, "readers": [{ "id": 9 }] },
            { "name": "b", "owner_row": { "id": 3 }, "owner_by_text": null, "readers": [] },
            { "name": "c", "owner_row": null, "owner_by_text": null, "readers": [] },
        ])
    );
}

/// From the shop to a server.
const TO_PEOPLE: &str = r#"
[tables.customers.relationships."pg.people_by_nick"]
alias = "nicks"
virtual = { type = "has_many", field = ["id"], ref_service = "pg", ref_table = "people", ref_field = ["nick"] }
[tables.customers.relationships."pg.people_by_shop_id"]
alias = "person"
virtual = { type = "has_one", field = ["id"], ref_service = "pg", ref_table = "people", ref_field = ["shop_id"] }
[tables.customers.relationships."pg.people_by_mail"]
alias = "by_ref"
virtual = { type = "belongs_to", field = ["mail"], ref_service = "pg", ref_table = "people", ref_field = ["ref"] }
"#;

/// From a server to the shop.
const FROM_PEOPLE: &str = r#"
[tables.people.relationships."shop.customers_by_nick"]
alias = "by_nick"
virtual = { type = "belongs_to", field = ["nick"], ref_service = "shop", ref_table = "customers", ref_field = ["id"] }
[tables.people.relationships."shop.customers_by_shop_id"]
alias = "customer"
virtual = { type = "belongs_to", field = ["shop_id"], ref_service = "shop", ref_table = "customers", ref_field = ["id"] }
"#;

#[test]
fn rows_of_a_file_and_of_a_server_relate_both_ways() {
    let engine = POSTGRES.start();
    engine.sql(
        "CREATE TABLE people (id BIGINT PRIMARY KEY, nick VARCHAR(20), shop_id NUMERIC(10,2), ref UUID)",
    );
    engine.sql("INSERT INTO people VALUES (1, '1', 3.00, '123e4567-e89b-12d3-a456-426614174000'), (2, 'two', 1.00, NULL)");
    let config = format!("{}{}{EVERYTHING}", shop(), engine.service("pg", &json!({})));
    let password = engine.store.config["password"].as_str().unwrap();
    let setup = Setup::new(&config).connector("postgres").variable("STORE_PASSWORD", password);
    let gateway = beside(setup, "pg", FROM_PEOPLE, TO_PEOPLE);
    create(
        &gateway,
        "shop/_table/customers",
        &json!([{ "id": 9, "name": "Eve", "mail": "123E4567-E89B-12D3-A456-426614174000" }]),
    );
    let fields = [("nicks.fields", "id"), ("person.fields", "id"), ("by_ref.fields", "id"), ("fields", "id")];
    assert_eq!(
        rows(
            &gateway,
            "shop/_table/customers",
            &[&fields[..], &[("related", "nicks,person,by_ref"), ("ids", "1,3,9")]].concat()
        ),
        json!([
            { "id": 1, "nicks": [{ "id": 1 }], "person": { "id": 2 }, "by_ref": null },
            { "id": 3, "nicks": [], "person": { "id": 1 }, "by_ref": null },
            { "id": 9, "nicks": [], "person": [], "by_ref": { "id": 1 } },
        ])
    );
    assert_eq!(
        rows(
            &gateway,
            "pg/_table/people",
            &[
                ("fields", "id"),
                ("related", "by_nick,customer"),
                ("by_nick.fields", "id"),
                ("customer.fields", "id"),
                ("order", "id")
            ]
        ),
        json!([
            { "id": 1, "by_nick": { "id": 1 }, "customer": { "id": 3 } },
            { "id": 2, "by_nick": null, "customer": { "id": 1 } },
        ])
    );
}
