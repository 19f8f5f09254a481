//! What the behaviour suite can't say of a store of keys: that a filter by key is a Query and told, that tokens lead through all pages, that a
//! read which goes too far is refused by name, and that no value and no name becomes a part of an expression.

use conformance::prepare::Prepared;
use conformance::tables::Stored;
use connector_api::model::{Column, ColumnType, Key, Value};
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::clone_folder;

use crate::client::{Answer, request};
use crate::gateway::{Gateway, Setup};
use crate::logs::statements_of;
use crate::sales::{ask, with};
use crate::shop::reading;
use crate::{dynamodb_kinds, dynamodb_rollback, dynamodb_versions};

/// Rows of `orders`, more than the service may scan in vain.
const ORDERS: i64 = 250;
/// What stands in requests and must stand in no log.
const NEEDLE: &str = "needle-7f3a";

/// `orders(id)` with the index `by_country(country, placed_at)`: every second from GB, `placed_at` rising with `id`.
fn orders() -> Stored {
    let text = |text: String| Value::Text(text);
    let columns = vec![
        Column { is_nullable: false, ..Column::new("id", ColumnType::Integer) },
        Column::new("country", ColumnType::Text),
        Column::new("placed_at", ColumnType::Text),
        Column::new("total", ColumnType::Decimal),
    ];
    let row = |id: i64| {
        let country = if id % 2 == 0 { "GB" } else { "NO" };
        let total = Value::Decimal(format!("{id}.25"));
        vec![Value::I64(id), text(country.to_owned()), text(format!("2024-{id:03}")), total]
    };
    let mut orders = Stored::new("orders", columns, (1..=ORDERS).map(row).collect());
    let index = ["country", "placed_at"].map(str::to_owned);
    orders.table.indexes = vec![Key { name: "by_country".to_owned(), columns: index.into() }];
    orders
}

/// A table of which only the key is known, to write into.
fn things() -> Stored {
    let columns = vec![
        Column { is_nullable: false, ..Column::new("id", ColumnType::Text) },
        Column::new("n", ColumnType::Decimal),
        Column::new("size", ColumnType::Text),
        Column::new("doc", ColumnType::Object),
    ];
    let doc = Value::Object(vec![("a.b".to_owned(), Value::I64(1))]);
    let row = vec![Value::Text("first".to_owned()), Value::I64(1), Value::Text("big".to_owned()), doc];
    Stored::new("things", columns, vec![row])
}

/// The gateway on a running store, which ends with it.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    /// Where the store listens.
    pub(crate) address: String,
    _store: Prepared,
}

fn world() -> World {
    let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
    let fixture = fixtures.into_iter().find(|fixture| fixture.facts.service_type == "aws_dynamodb").unwrap();
    let store = fixture.start(&fixture.versions[0], &[orders(), things()]).unwrap();
    let endpoint = store.config["endpoint"].as_str().unwrap().to_owned();
    let setup = Setup::new(include_str!("dynamodb.toml"))
        .connector(&fixture.connector)
        .variable("STORE_SECRET", "test")
        .variable("STORE_ENDPOINT", &endpoint);
    let address = endpoint.trim_start_matches("http://").to_owned();
    World { gateway: setup.start(), address, _store: store }
}

impl World {
    #[track_caller]
    pub(crate) fn read(&self, table: &str, parameters: &[(&str, &str)]) -> Answer {
        ask(&self.gateway, &format!("store/_table/{table}"), parameters)
    }

    #[track_caller]
    pub(crate) fn write(&self, verb: &str, path: &str, body: &Json) -> Answer {
        let path = format!("/api/v2/store/_table/{path}");
        self.gateway.send(request(verb, &path).key(crate::shop::READER).body(body))
    }

    /// The ids that an answer has, ascending.
    #[track_caller]
    pub(crate) fn ids(&self, parameters: &[(&str, &str)]) -> Vec<i64> {
        let mut ids = ids_of(&self.read("orders", parameters));
        ids.sort_unstable();
        ids
    }

    /// The statement that a read is logged with.
    #[track_caller]
    fn statement(&self, parameters: &[(&str, &str)]) -> String {
        let request = with(reading("store/_table/orders"), parameters);
        let (logged, answer) = statements_of(&self.gateway, request);
        assert_eq!(answer.status, 200, "{parameters:?}: {}", answer.body);
        logged[0]["statement"].as_str().unwrap().to_owned()
    }

    /// All ids by following tokens under a name of `meta`, and how many pages that took.
    #[track_caller]
    fn walk(&self, (told, asked): (&str, &str), parameters: &[(&str, &str)]) -> (Vec<i64>, usize) {
        let (mut ids, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let paging = [(asked, token.as_str())];
            let paging = if token.is_empty() { &[][..] } else { &paging };
            let answer = self.read("orders", &[parameters, paging].concat());
            ids.extend(ids_of(&answer));
            pages += 1;
            match answer.json()["meta"][told].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
            assert!(pages <= 300, "the pages have no end");
        }
        ids.sort_unstable();
        (ids, pages)
    }
}

#[track_caller]
fn ids_of(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    json["resource"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// One emulator for all of it: starting one takes longer than all of the requests.
#[test]
fn a_store_of_keys_is_served_as_it_is() {
    let world = world();
    a_key_makes_a_query_and_the_log_says_so(&world);
    tokens_lead_through_all_pages(&world);
    a_read_beyond_the_bound_is_refused_by_name(&world);
    rules_of_a_role_hold_with_every_write(&world);
    a_long_list_is_written_in_several_calls(&world);
    no_value_and_no_name_is_an_operator(&world);
    dynamodb_versions::all(&world);
    dynamodb_rollback::all(&world);
    dynamodb_kinds::all(&world);
}

fn a_key_makes_a_query_and_the_log_says_so(world: &World) {
    for (filter, order, expected) in [
        ("id = 7", "", "Query orders key #n0 = :v0"),
        ("id in (7, 9)", "", "Query orders (2 keys) key #n0 = :v0"),
        (
            "(country = GB) and (placed_at >= 2024-100)",
            "",
            "Query orders index by_country key #n0 = :v0 AND #n1 >= :v1",
        ),
        ("(country = GB) and (placed_at >= 2024-100)", "placed_at desc", "Query orders index by_country key"),
        ("total > 200", "", "Scan orders filter #n0 > :v0"),
    ] {
        let statement = world.statement(&[("filter", filter), ("order", order), ("limit", "2")]);
        assert!(
            statement.starts_with(expected) && !statement.contains("sorted here"),
            "{filter}: {statement}"
        );
    }
    let sorted =
        world.statement(&[("filter", "(country = GB) and (placed_at >= 2024-200)"), ("order", "total desc")]);
    assert!(sorted.ends_with("sorted here"), "{sorted}");
    let parameters = [("filter", "(country = GB) and (placed_at >= 2024-245)"), ("order", "placed_at desc")];
    assert_eq!(ids_of(&world.read("orders", &parameters)), [250, 248, 246]);
    assert_eq!(world.statement(&[("limit", "2")]), "Scan orders");
    world.statement(&[("filter", &format!("country = {NEEDLE} and placed_at > {NEEDLE}"))]);
    assert!(!world.gateway.log.text().contains(NEEDLE));
}

fn tokens_lead_through_all_pages(world: &World) {
    let all: Vec<i64> = (1..=ORDERS).collect();
    let even: Vec<i64> = (1..=ORDERS).filter(|id| id % 2 == 0).collect();
    for (names, first) in
        [(("next_cursor", "cursor"), ("page", "cursor")), (("next", "offset"), ("limit", "40"))]
    {
        let (ids, pages) = world.walk(names, &[first, ("limit", "40")]);
        assert_eq!((ids, pages), (all.clone(), 7), "{names:?}");
        let filter = ("filter", "country = GB");
        assert_eq!(world.walk(names, &[first, filter, ("limit", "40")]).0, even, "{names:?}");
    }
    let newest = [
        ("page", "cursor"),
        ("limit", "20"),
        ("order", "placed_at desc"),
        ("filter", "country = GB and placed_at > 2024-150"),
    ];
    assert_eq!(world.walk(("next_cursor", "cursor"), &newest).0, (152..=250).step_by(2).collect::<Vec<_>>());
    let refused = world.read("orders", &[("page", "cursor"), ("order", "total")]);
    assert_eq!(refused.status, 501, "{}", refused.body);
    let skipped = world.read("orders", &[("offset", "10")]);
    assert!(skipped.status == 400 && skipped.body.contains("give the 'next'"), "{}", skipped.body);
    for offset in ["garbage", "eyJ4IjoxfQ==", "5-_a"] {
        let refused = world.read("orders", &[("offset", offset)]);
        assert!(
            refused.status == 400 && refused.body.contains("give the 'next'"),
            "{offset}: {}",
            refused.body
        );
    }
    let token = world.read("orders", &[("limit", "5")]).json()["meta"]["next"].as_str().unwrap().to_owned();
    for end in [20, 70, token.len() - 1] {
        let cut = world.read("orders", &[("offset", &token[..end])]);
        assert_eq!(cut.status, 400, "{end} of {}: {}", token.len(), cut.body);
    }
    let other = world.read("orders", &[("offset", &token), ("filter", "country = NO")]);
    assert_eq!(other.status, 400, "a token is good for one request only: {}", other.body);
}

fn a_read_beyond_the_bound_is_refused_by_name(world: &World) {
    let nothing = ("filter", "total < 0");
    // Fewer than twice the bound are more than the bound.
    let indexed = ("filter", "country = 'GB' and total < 0");
    for parameters in [
        &[nothing][..],
        &[indexed],
        &[("order", "total")],
        &[nothing, ("count_only", "true")],
        &[("filter", "country = 'GB'"), ("count_only", "true")],
    ] {
        let refused = world.read("orders", parameters);
        let is_named = refused.body.contains("more than 100 items") && refused.body.contains("scan_limit");
        assert!(refused.status >= 400 && is_named, "{parameters:?}: {}", refused.body);
    }
    // By cursor the same is a matter of pages, some of them empty.
    let (ids, pages) = world.walk(("next_cursor", "cursor"), &[nothing, ("page", "cursor")]);
    assert!(ids.is_empty() && pages > 1, "{pages}");
    assert_eq!(world.ids(&[("filter", "id in (1, 250, 999)")]), [1, 250], "keys need no scan");
}

fn rules_of_a_role_hold_with_every_write(world: &World) {
    let patch = |id: i64, body: &Json| {
        let path = format!("/api/v2/store/_table/orders/{id}");
        world.gateway.send(request("PATCH", &path).key("key-of-britons").body(body))
    };
    let changed = patch(2, &json!({"total": 7}));
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(patch(1, &json!({"total": 7})).status, 404, "a row of another country is hidden");
    assert_eq!(patch(2, &json!({"country": "NO"})).status, 403, "and none may go there");
    let row = world.read("orders", &[("ids", "1,2"), ("fields", "id,country,total")]).json();
    let expected = json!([{"id": 1, "country": "NO", "total": 1.25}, {"id": 2, "country": "GB", "total": 7}]);
    assert_eq!(row["resource"].to_string(), expected.to_string());
}

fn a_long_list_is_written_in_several_calls(world: &World) {
    let rows = |ids: std::ops::Range<i64>| json!({"resource": ids.map(|id| json!({"id": id, "total": 1})).collect::<Vec<_>>()});
    assert_eq!(world.write("POST", "orders", &rows(2000..2150)).status, 200);
    assert_eq!(world.ids(&[("filter", "id in (2000, 2149)")]), [2000, 2149]);
    let again = world.write("POST", "orders?continue=true", &rows(2149..2151));
    assert!(again.status >= 400 && again.body.contains("unique_violation"), "{}", again.body);
    assert_eq!(world.ids(&[("filter", "id = 2150")]), [2150]);
}

fn no_value_and_no_name_is_an_operator(world: &World) {
    let nasty = [r#"{"$gt":""}"#, "x OR attribute_exists(id)", "#n0", ":v0", "$where", r#"{"S":"first"}"#];
    for value in nasty {
        let found = world.read("things", &[("filter", &format!("size = '{}'", value.replace('\'', "''")))]);
        found.is_ok(r#"{"resource":[]}"#);
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        assert_eq!(
            world.gateway.send(reading(&format!("store/_table/things/{encoded}"))).status,
            404,
            "{value}"
        );
    }
    for (place, value) in nasty.iter().enumerate() {
        let id = format!("nasty {place}");
        let body = json!({"resource": [{"id": id, "size": value, "doc": {"$set": value, "a.b": {"S": value}, "#n0": null}}]});
        assert_eq!(world.write("POST", "things", &body).status, 200, "{value}");
        let row = world.read("things", &[("ids", &id), ("fields", "size,doc")]).json();
        let expected = json!({"size": value, "doc": {"#n0": null, "$set": value, "a.b": {"S": value}}});
        assert_eq!(row["resource"][0], expected);
    }
    // 'size' is a word of the store's language, and so is a function's name.
    assert_eq!(
        world.read("things", &[("filter", "size = big"), ("fields", "id")]).body,
        r#"{"resource":[{"id":"first"}]}"#
    );
}
