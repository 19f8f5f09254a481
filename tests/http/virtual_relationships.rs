//! Relationships that no foreign key gives, and what is said of all of them: made, described, read, filtered by and removed in one service.

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::{Answer, get};
use crate::engine::POSTGRES;
use crate::gateway::{Setup, eventually};
use crate::sales::with;
use crate::schema_changes::{World, named, success};
use crate::shop::{EVERYTHING, READER};

/// May not read regions, of orders only the small ones, and may change every schema.
const CLERK: &str = "key-of-clerks";

const CONFIG: &str = r#"
[[services]]
name = "store"
type = "sqlite"
[services.config]
database = "store.sqlite"

[[roles]]
name = "clerk"
access = [
  { service = "store", component = "_table/customers/*", verbs = ["GET"] },
  { service = "store", component = "_table/orders/*", verbs = ["GET"], filters = [{ name = "total", operator = "<", value = 20 }] },
  { service = "store", component = "_schema/*", verbs = ["GET", "POST"] },
]

[[apps]]
name = "clerk"
role = "clerk"
api_key = "key-of-clerks"
"#;

fn world() -> World {
    let setup = Setup::new(&format!("{CONFIG}{EVERYTHING}"));
    let database = Connection::open(setup.path("store.sqlite")).unwrap();
    database.execute_batch(include_str!("virtual_relationships.sql")).unwrap();
    World { gateway: setup.start(), _engine: None }
}

/// A virtual relationship; fields of several columns have commas.
fn virtual_one(kind: &str, field: &str, ref_table: &str, ref_field: &str) -> Json {
    json!({ "type": kind, "is_virtual": true, "field": field, "ref_table": ref_table, "ref_field": ref_field })
}

fn more(mut one: Json, members: Json) -> Json {
    let Json::Object(members) = members else { panic!("{members}") };
    one.as_object_mut().unwrap().extend(members);
    one
}

impl World {
    /// Makes relationships of a table, which get these names.
    #[track_caller]
    fn relate(&self, table: &str, wishes: &[Json], names: &[&str]) {
        self.is_ok(
            "POST",
            &format!("_schema/{table}/_related"),
            &json!({ "resource": wishes }),
            &named(names),
        );
    }

    fn rows_as(&self, key: &str, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let request = get(&format!("/api/v2/store/_table/{path}")).key(key);
        self.gateway.send(with(request, parameters))
    }

    /// The rows of an answer, or the one that it is.
    #[track_caller]
    fn rows(&self, path: &str, parameters: &[(&str, &str)]) -> Json {
        let answer = self.rows_as(READER, path, parameters);
        assert_eq!(answer.status, 200, "{path} {parameters:?}: {}", answer.body);
        let mut answer = answer.json();
        if answer.get("resource").is_some() { answer["resource"].take() } else { answer }
    }

    /// The message with which a read of rows is refused.
    #[track_caller]
    fn rows_refused(&self, key: &str, path: &str, parameters: &[(&str, &str)], (status, part): (u16, &str)) {
        let answer = self.rows_as(key, path, parameters);
        assert!(answer.status == status && answer.body.contains(part), "{} {}", answer.status, answer.body);
    }

    fn extras(&self) -> String {
        std::fs::read_to_string(self.gateway.setup.path("data/extras/store.toml")).unwrap_or_default()
    }
}

#[test]
fn relationships_of_all_kinds_are_made_and_read() {
    let world = world();
    let between =
        json!({ "junction_table": "visits", "junction_field": "customer", "junction_ref_field": "code" });
    world.relate(
        "customers",
        &[
            virtual_one("belongs_to", "REGION", "Regions", "code"),
            virtual_one("has_one", "id", "cards", "holder"),
            more(virtual_one("many_many", "id", "regions", "code"), between),
        ],
        &["regions_by_region", "cards_by_holder", "regions_by_visits"],
    );
    world.relate(
        "regions",
        &[virtual_one("has_many", "code", "customers", "region")],
        &["customers_by_region"],
    );
    let all = "regions_by_region,cards_by_holder,regions_by_visits";
    assert_eq!(
        world.rows(
            "customers",
            &[
                ("fields", "id"),
                ("related", all),
                ("regions_by_region.fields", "name"),
                ("cards_by_holder.fields", "number"),
                ("regions_by_visits.fields", "id")
            ]
        ),
        json!([
            { "id": 1, "regions_by_region": { "name": "North" }, "cards_by_holder": { "number": "1" }, "regions_by_visits": [{ "id": 1 }, { "id": 2 }] },
            { "id": 2, "regions_by_region": { "name": "South" }, "cards_by_holder": { "number": "2" }, "regions_by_visits": [] },
            { "id": 3, "regions_by_region": null, "cards_by_holder": [], "regions_by_visits": [{ "id": 2 }] },
            { "id": 4, "regions_by_region": null, "cards_by_holder": [], "regions_by_visits": [] },
        ])
    );
    let limited =
        [("related", "customers_by_region"), ("fields", "code"), ("customers_by_region.fields", "name")];
    assert_eq!(
        world.rows("regions/1", &limited),
        json!({ "code": "n", "customers_by_region": [{ "name": "Ada" }] })
    );
}

#[test]
fn several_fields_pair_with_several() {
    let world = world();
    world.relate(
        "cards",
        &[virtual_one("has_many", "place,region", "cards", "place,region")],
        &["cards_by_place_region"],
    );
    let found = world.rows(
        "cards",
        &[
            ("fields", "number"),
            ("filter", "colour = red"),
            ("related", "cards_by_place_region"),
            ("cards_by_place_region.fields", "colour"),
        ],
    );
    assert_eq!(found, json!([{ "number": "1", "cards_by_place_region": [{ "colour": "red" }] }]));
}

#[test]
fn what_is_described_comes_back_without_a_change() {
    let world = world();
    let alias = json!({ "alias": "region_row", "label": "Region", "always_fetch": true });
    world.relate(
        "customers",
        &[more(virtual_one("belongs_to", "region", "regions", "code"), alias)],
        &["regions_by_region"],
    );
    let buyer = json!({ "alias": "buyer", "description": "Who pays." });
    world.is_ok("PATCH", "_schema/orders/_related/customers_by_customer_id", &buyer, &success());
    let related = world.read("_schema/customers/_related/regions_by_region");
    let expected = json!({
        "alias": "region_row", "name": "regions_by_region", "label": "Region", "description": null, "native": [],
        "type": "belongs_to", "field": "region", "is_virtual": true, "ref_service_id": null, "ref_table": "regions",
        "ref_field": "code", "ref_on_update": null, "ref_on_delete": null, "junction_service_id": null,
        "junction_table": null, "junction_field": null, "junction_ref_field": null, "always_fetch": true,
        "flatten": false, "flatten_drop_prefix": false,
    });
    assert_eq!(related, expected);
    let text = world.extras();
    assert!(
        text.contains("[tables.customers.relationships.regions_by_region]\nalias = \"region_row\"\n"),
        "{text}"
    );
    for table in ["customers", "orders"] {
        let described = world.read(&format!("_schema/{table}"));
        world.is_ok("PUT", &format!("_schema/{table}"), &described, &json!({ "name": table }));
        world.ask("PATCH", &format!("_schema/{table}/_related"), &described["related"]);
        assert_eq!(world.read(&format!("_schema/{table}")), described);
    }
    assert_eq!(world.extras(), text);
    let shown = world.ask(
        "PATCH",
        "_schema/orders/_related/customers_by_customer_id?fields=*",
        &json!({ "alias": null }),
    );
    assert_eq!((&shown.json()["alias"], &shown.json()["description"]), (&Json::Null, &json!("Who pays.")));
}

#[test]
fn a_file_that_a_person_wrote_counts() {
    let world = world();
    world.relate(
        "orders",
        &[json!({ "name": "customers_by_customer_id", "alias": "buyer" })],
        &["customers_by_customer_id"],
    );
    let text = format!(
        "{}\n[tables.customers.relationships.regions_by_region]\nalias = \"home\"\nvirtual = {{ type = \"belongs_to\", field = [\"region\"], ref_table = \"regions\", ref_field = [\"code\"] }}\n",
        world.extras()
    );
    std::fs::write(world.gateway.setup.path("data/extras/store.toml"), text).unwrap();
    world.gateway.signal("HUP");
    let request = [("fields", "id"), ("related", "home"), ("home.fields", "name")];
    eventually("the file is read again", || {
        world.rows("customers/1", &request) == json!({ "id": 1, "home": { "name": "North" } })
    });
    world.relate(
        "regions",
        &[virtual_one("has_many", "code", "customers", "region")],
        &["customers_by_region"],
    );
    assert_eq!(world.rows("customers/1", &request)["home"]["name"], "North");
}

#[test]
fn an_alias_is_the_name_on_all_reads() {
    let world = world();
    world.relate(
        "customers",
        &[json!({ "name": "orders_by_customer_id", "alias": "bought" })],
        &["orders_by_customer_id"],
    );
    let fields = ("fields", "name");
    assert_eq!(
        world.rows(
            "customers",
            &[fields, ("related", "bought"), ("bought.fields", "total"), ("filter", "bought.total > 50")]
        ),
        json!([{ "name": "Bob", "bought": [{ "total": 99 }] }])
    );
    assert_eq!(
        world
            .rows("customers/1", &[fields, ("related", "*"), ("bought_limit", "1"), ("bought.fields", "id")])
            ["bought"],
        json!([{ "id": 1 }])
    );
    assert_eq!(
        world.rows("customers/1", &[fields, ("related", "orders_by_customer_id")]),
        json!({ "name": "Ada" })
    );
    world.rows_refused(
        READER,
        "customers",
        &[("filter", "orders_by_customer_id.total > 5")],
        (400, "orders_by_customer_id.total"),
    );
}

#[test]
fn what_is_always_fetched_comes_unasked_and_goes_round_once() {
    let world = world();
    let always = |name: &str, alias: &str| json!({ "name": name, "alias": alias, "always_fetch": true });
    world.relate("orders", &[always("customers_by_customer_id", "buyer")], &["customers_by_customer_id"]);
    world.relate(
        "customers",
        &[always("orders_by_customer_id", "bought"), always("customers_by_boss_parent", "chief")],
        &["orders_by_customer_id", "customers_by_boss_parent"],
    );
    let ada = json!({ "id": 1, "name": "Ada", "region": "n", "boss": null });
    let bob = json!({ "id": 2, "name": "Bob", "region": "s", "boss": 1 });
    // Not back to the orders from which it came, and to a boss of a customer once.
    let buyer = more(bob.clone(), json!({ "chief": ada }));
    assert_eq!(
        world.rows("orders/3", &[]),
        json!({ "id": 3, "customer_id": 2, "total": 99, "buyer": buyer })
    );
    let ada_bought =
        json!([{ "id": 1, "customer_id": 1, "total": 10 }, { "id": 2, "customer_id": 1, "total": 25 }]);
    assert_eq!(
        world.rows(
            "customers",
            &[("filter", "id = 2"), ("fields", "id"), ("chief.fields", "name"), ("bought.fields", "total")]
        ),
        json!([{ "id": 2, "bought": [{ "total": 99 }], "chief": { "name": "Ada", "bought": ada_bought } }])
    );
    let asked = [
        ("fields", "total"),
        ("related", "buyer.bought"),
        ("buyer.fields", "id"),
        ("buyer.bought.fields", "id"),
    ];
    assert_eq!(
        world.rows("orders/4", &asked),
        json!({ "total": 5, "buyer": { "id": 3, "bought": [{ "id": 4 }], "chief": bob } })
    );
    assert_eq!(
        world.rows("orders", &[("fields", "count(*)")]),
        json!([{ "COUNT_ALL": 4 }]),
        "groups have no related rows"
    );
    assert_eq!(world.rows("orders", &[("as_list", "true"), ("ids", "1")]), json!([1]));
    assert_eq!(world.rows("orders", &[("ids", "1"), ("fields", "id")])[0]["buyer"]["name"], "Ada");
}

#[test]
fn rights_hold_on_the_way() {
    let world = world();
    let home = json!({ "alias": "home", "always_fetch": true });
    world.relate(
        "customers",
        &[
            more(virtual_one("belongs_to", "region", "regions", "code"), home),
            json!({ "name": "orders_by_customer_id", "alias": "bought", "always_fetch": true }),
        ],
        &["regions_by_region", "orders_by_customer_id"],
    );
    let read = |more: &[(&str, &str)]| {
        let parameters = [&[("fields", "id"), ("bought.fields", "id"), ("filter", "id = 1")], more].concat();
        world.rows_as(CLERK, "customers", &parameters)
    };
    let expected = json!({ "resource": [{ "id": 1, "bought": [{ "id": 1 }] }] }).to_string();
    read(&[]).is_ok(&expected);
    world.rows_refused(CLERK, "customers", &[("related", "home")], (401, "Unauthorized"));
    let all = read(&[("related", "*")]);
    assert!(all.status == 200 && !all.body.contains("home"), "{}", all.body);
    let wish = virtual_one("belongs_to", "region", "regions", "id");
    for ref_table in ["regions", "nothing"] {
        let wish = more(wish.clone(), json!({ "ref_table": ref_table }));
        let refused = world.ask_as(CLERK, "POST", "_schema/customers/_related", &wish);
        assert_eq!(refused.status, 401, "nothing is said of a table that may not be read: {}", refused.body);
    }
}

#[test]
fn fields_of_a_single_row_are_flattened_where_that_is_wished() {
    let world = world();
    let wish = virtual_one("belongs_to", "region", "regions", "code");
    let flat = json!({ "alias": "home", "flatten": true, "always_fetch": true });
    world.relate("customers", &[more(wish, flat)], &["regions_by_region"]);
    let read = || {
        world.rows(
            "customers",
            &[("fields", "id,name"), ("filter", "id in (1,3)"), ("home.fields", "name,Size")],
        )
    };
    assert_eq!(
        read(),
        json!([{ "id": 1, "name": "Ada", "home_name": "North", "home_Size": 5 }, { "id": 3, "name": "Cy" }])
    );
    let bare = json!({ "flatten_drop_prefix": true });
    world.is_ok("PUT", "_schema/customers/_related/regions_by_region", &bare, &success());
    assert_eq!(read(), json!([{ "id": 1, "name": "Ada", "Size": 5 }, { "id": 3, "name": "Cy" }]));
}

#[test]
fn filters_look_through_virtual_relationships_where_types_compare() {
    let world = world();
    let between =
        json!({ "junction_table": "visits", "junction_field": "code", "junction_ref_field": "code" });
    world.relate(
        "customers",
        &[
            virtual_one("belongs_to", "region", "regions", "code"),
            virtual_one("has_many", "id", "cards", "number"),
            more(virtual_one("many_many", "region", "regions", "code"), between),
        ],
        &["regions_by_region", "cards_by_number", "regions_by_visits"],
    );
    let names = |filter: &str| world.rows("customers", &[("fields", "id"), ("filter", filter)]);
    assert_eq!(names("regions_by_region.Size > 5"), json!([{ "id": 2 }]));
    assert_eq!(names("not (regions_by_region.Size > 5)"), json!([{ "id": 1 }, { "id": 3 }, { "id": 4 }]));
    assert_eq!(names("regions_by_visits.name = South"), json!([{ "id": 2 }]));
    let message = "a filter can't look through 'cards_by_number': 'id' of 'customers' and 'number' of 'cards' are of different types";
    world.rows_refused(READER, "customers", &[("filter", "cards_by_number.colour = red")], (400, message));
    assert_eq!(
        world.rows(
            "customers/1",
            &[("fields", "id"), ("related", "cards_by_number"), ("cards_by_number.fields", "colour")]
        ),
        json!({ "id": 1, "cards_by_number": [{ "colour": "red" }] }),
        "rows are related all the same"
    );
}

#[test]
fn views_have_virtual_relationships_on_both_sides() {
    let world = world();
    world.relate("buyers", &[virtual_one("belongs_to", "buyer", "customers", "id")], &["customers_by_buyer"]);
    world.relate("customers", &[virtual_one("has_one", "id", "buyers", "buyer")], &["buyers_by_buyer"]);
    assert_eq!(
        world.rows(
            "buyers",
            &[
                ("filter", "spent > 50"),
                ("related", "customers_by_buyer"),
                ("customers_by_buyer.fields", "name")
            ]
        ),
        json!([{ "buyer": 2, "spent": 99, "customers_by_buyer": { "name": "Bob" } }])
    );
    assert_eq!(
        world.rows(
            "customers/1",
            &[("fields", "id"), ("related", "buyers_by_buyer"), ("buyers_by_buyer.fields", "spent")]
        ),
        json!({ "id": 1, "buyers_by_buyer": { "spent": 35 } })
    );
}

#[test]
fn relationships_are_removed_and_with_them_the_foreign_keys_that_give_them() {
    let world = world();
    world.relate(
        "customers",
        &[virtual_one("belongs_to", "region", "regions", "code")],
        &["regions_by_region"],
    );
    world.relate(
        "orders",
        &[json!({ "name": "customers_by_customer_id", "alias": "buyer" })],
        &["customers_by_customer_id"],
    );
    world.is_refused(
        "DELETE",
        "_schema/customers/_related/orders_by_customer_id",
        &Json::Null,
        (400, "delete it there"),
    );
    world.is_refused("DELETE", "_schema/customers/_related/x", &Json::Null, (404, "x"));
    world.is_ok(
        "DELETE",
        "_schema/customers/_related?ids=regions_by_region",
        &Json::Null,
        &named(&["regions_by_region"]),
    );
    world.is_refused(
        "GET",
        "_schema/customers/_related/regions_by_region",
        &Json::Null,
        (404, "regions_by_region"),
    );
    let key = "_schema/orders/_related/customers_by_customer_id";
    world.is_refused("DELETE", key, &Json::Null, (501, "dropping a foreign key"));
    assert_eq!(world.read(key)["alias"], "buyer", "what could not go is as it was");

    let world = World::of_server(&POSTGRES);
    world.make_trucks();
    let key = "_schema/trucks/_related/customers_by_owner_id";
    world.is_ok("PATCH", key, &json!({ "alias": "owner" }), &success());
    world.is_ok("DELETE", key, &Json::Null, &success());
    assert_eq!(world.read("_schema/trucks/_related"), json!({ "resource": [] }));
    assert_eq!(world.read("_schema/trucks/_field/owner_id")["is_foreign_key"], false);
    assert!(!world.extras().contains("relationships"), "{}", world.extras());
}

#[test]
fn what_cannot_be_related_is_refused() {
    let world = world();
    let refuse = |wish: Json, expected: (u16, &str)| {
        world.is_refused("POST", "_schema/customers/_related", &wish, expected);
    };
    let wish = |members: Json| more(virtual_one("belongs_to", "region", "regions", "code"), members);
    refuse(json!([]), (400, "No data"));
    refuse(wish(json!({ "type": "has_few" })), (400, "has_few"));
    refuse(wish(json!({ "ref_table": "nothing" })), (404, "nothing"));
    refuse(wish(json!({ "ref_field": "nothing" })), (404, "nothing"));
    refuse(wish(json!({ "field": "nothing" })), (404, "nothing"));
    refuse(wish(json!({ "field": "region,id" })), (400, "2 fields"));
    refuse(wish(json!({ "ref_service": "nowhere" })), (404, "nowhere"));
    refuse(wish(json!({ "ref_service_id": 77 })), (404, "77"));
    refuse(
        wish(json!({ "field": "boss", "type": "has_many", "ref_table": "customers", "ref_field": "boss" })),
        (400, "foreign key"),
    );
    refuse(json!({ "name": "nothing_by_x", "label": "X" }), (404, "nothing_by_x"));
    refuse(json!({ "name": "customers_by_boss", "type": "has_one" }), (501, "what a foreign key gives"));
    refuse(json!({ "name": "customers_by_boss", "alias": "name" }), (400, "the name of a field"));
    world.is_refused(
        "PATCH",
        "_schema/customers/_related/customers_by_boss",
        &json!({ "name": "x" }),
        (400, "can't be renamed"),
    );
    assert_eq!(world.extras(), "");
}

#[test]
fn a_table_is_made_with_its_relationships() {
    let world = world();
    let table = |name: &str, related: Json| json!({ "name": name, "related": related, "field": [{ "name": "id", "type": "id" }, { "name": "other", "type": "integer" }] });
    // Each leads to the other, which is there when both are.
    let tables = json!([
        table("lefts", json!([virtual_one("belongs_to", "other", "rights", "id")])),
        table("rights", json!([virtual_one("has_many", "id", "lefts", "other")])),
    ]);
    world.is_ok("POST", "_schema", &tables, &named(&["lefts", "rights"]));
    let described = world.read("_schema?ids=lefts,rights");
    assert_eq!(described["resource"][0]["related"][0]["name"], "rights_by_other");
    assert_eq!(described["resource"][1]["related"][0]["name"], "lefts_by_other");
    world.is_ok("DELETE", "_schema?ids=lefts,rights", &Json::Null, &named(&["lefts", "rights"]));
    world.is_ok("POST", "_schema", &described, &named(&["lefts", "rights"]));
    assert_eq!(world.read("_schema?ids=lefts,rights"), described);
    let new = json!({ "field": [{ "name": "place", "type": "text" }], "related": [virtual_one("belongs_to", "place", "regions", "code")] });
    world.is_ok("PATCH", "_schema/lefts", &new, &json!({ "name": "lefts" }));
    assert_eq!(world.read("_schema/lefts/_related/regions_by_place")["field"], "place");
}

#[test]
fn a_relationship_whose_field_is_gone_is_none_and_can_be_deleted() {
    let world = world();
    world.relate(
        "customers",
        &[virtual_one("belongs_to", "region", "regions", "Size")],
        &["regions_by_region"],
    );
    world.is_ok("DELETE", "_schema/regions/_field/Size", &Json::Null, &success());
    world.is_refused(
        "GET",
        "_schema/customers/_related/regions_by_region",
        &Json::Null,
        (404, "regions_by_region"),
    );
    world.gateway.log.find("names a table or field that is not there").unwrap();
    world.is_ok("DELETE", "_schema/customers/_related/regions_by_region", &Json::Null, &success());
    assert!(!world.extras().contains("regions_by_region"));
}
