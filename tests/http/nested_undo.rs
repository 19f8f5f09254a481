//! What is undone where no transaction does it: rows of another service are again as they were stored, whatever the fields show and refuse,
//! and what can't be undone is told, by the keys alone. A record may come back to its own service.

use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::{Value as Json, json};

use crate::client::{Answer, request};
use crate::gateway::{Gateway, Setup};

/// Does everything.
const WRITER: &str = "key-of-writers";
/// Does everything with those contacts that are open.
const CLERK: &str = "key-of-clerks";

const CONFIG: &str = r#"
services = [
  { name = "shop", type = "sqlite", config = { database = "shop.sqlite" } },
  { name = "crm", type = "sqlite", config = { database = "crm.sqlite" } },
]

[[roles]]
name = "writer"
access = [{ service = "*", component = "*", verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"] }]

[[apps]]
name = "writer"
role = "writer"
api_key = "key-of-writers"

[[roles]]
name = "clerk"

[[roles.access]]
service = "shop"
component = "*"
verbs = ["GET", "POST", "PATCH"]

[[roles.access]]
service = "crm"
component = "_table/people/*"
verbs = ["GET", "POST", "PATCH"]
filters = [{ name = "state", operator = "=", value = "open" }]

[[apps]]
name = "clerk"
role = "clerk"
api_key = "key-of-clerks"
"#;

const SHOP: &str = "
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO customers VALUES (1, 'Ada');
CREATE TABLE letters (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), text TEXT NOT NULL);
INSERT INTO letters VALUES (1, 1, 'hello');
";

const CRM: &str = "
CREATE TABLE contacts (
    id INTEGER PRIMARY KEY, customer INTEGER, mail TEXT, code TEXT, state TEXT DEFAULT 'open', note TEXT, touched DATETIME
);
INSERT INTO contacts VALUES (1, 1, 'ADA at X', 'secret', 'open', '{user.email}', '2001-02-03 04:05:06'), (2, NULL, 'B', '', 'open', '', NULL);
CREATE TABLE badges (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, label TEXT, touched DATETIME);
INSERT INTO badges VALUES (7, 1, 'LOUD', '2001-02-03 04:05:06');
";

const OF_SHOP: &str = r#"
[tables.customers.relationships."crm.contacts_by_customer".virtual]
type = "has_many"
field = ["id"]
ref_service = "crm"
ref_table = "contacts"
ref_field = ["customer"]

[tables.customers.relationships."crm.badges_by_customer".virtual]
type = "has_many"
field = ["id"]
ref_service = "crm"
ref_table = "badges"
ref_field = ["customer"]
"#;

/// A table and fields with other names, values that are computed, masked, filled in, refused and left out.
const OF_CRM: &str = r#"
[tables.contacts]
alias = "people"
[tables.contacts.fields.mail]
alias = "email"
validation = { email = {} }
db_function = [{ use = ["INSERT", "UPDATE"], function = "lower({value})" }]
[tables.contacts.fields.code]
db_function = [{ use = ["SELECT"], function = "concat('***', length(code))" }]
[tables.contacts.fields.state]
validation = { api_read_only = {} }
[tables.contacts.fields.touched]
type = "timestamp_on_update"
[tables.contacts.relationships."shop.letters_by_customer_id".virtual]
type = "has_many"
field = ["customer"]
ref_service = "shop"
ref_table = "letters"
ref_field = ["customer_id"]

[tables.badges.fields.label]
db_function = [{ use = ["INSERT", "UPDATE"], function = "lower({value})" }]
[tables.badges.fields.touched]
type = "timestamp_on_update"
"#;

struct World(Gateway);

impl World {
    /// `more` is done in the database of the contacts.
    fn new(more: &str) -> Self {
        let setup = Setup::new(CONFIG);
        for (name, sql) in [("shop.sqlite", SHOP), ("crm.sqlite", &format!("{CRM}{more}"))] {
            Connection::open(setup.path(name)).unwrap().execute_batch(sql).unwrap();
        }
        setup.write("data/extras/shop.toml", OF_SHOP);
        setup.write("data/extras/crm.toml", OF_CRM);
        Self(setup.start())
    }

    #[track_caller]
    fn patch(&self, key: &str, body: &Json) -> Answer {
        self.0.send(
            request("PATCH", "/api/v2/shop/_table/customers/1?allow_related_delete=true").key(key).body(body),
        )
    }

    /// All rows of a table as the database has them.
    fn stored(&self, database: &str, table: &str) -> Vec<Vec<Value>> {
        let database = Connection::open(self.0.setup.path(database)).unwrap();
        let mut statement = database.prepare(&format!("SELECT * FROM {table} ORDER BY id")).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| (0..width).map(|place| row.get(place)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn all(&self) -> Vec<Vec<Vec<Value>>> {
        let tables = [("shop", "customers"), ("shop", "letters"), ("crm", "contacts"), ("crm", "badges")];
        tables.iter().map(|(name, table)| self.stored(&format!("{name}.sqlite"), table)).collect()
    }
}

/// A record that fails after this was done in the other service.
fn broken(people: Json, badges: Json) -> Json {
    json!({
        "name": "Eve", "crm.contacts_by_customer": people, "crm.badges_by_customer": badges,
        "letters_by_customer_id": [{ "text": null }],
    })
}

#[test]
fn what_is_undone_is_as_it_was_stored_whatever_its_fields_show_fill_in_and_refuse() {
    let world = World::new("");
    let before = world.all();
    let people = json!([
        { "id": 1, "email": "New@x.io", "code": "other", "note": "new" },
        { "id": 2, "customer": 1 },
        { "email": "c@x.io", "code": "third" },
    ]);
    let badges = json!([{ "id": 7, "customer": null }, { "label": "NEW" }]);
    let answer = world.patch(WRITER, &broken(people.clone(), badges.clone()));
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(!answer.body.contains("not_undone"), "{}", answer.body);
    assert_eq!(world.all(), before);
    let done =
        world.patch(WRITER, &json!({ "crm.contacts_by_customer": people, "crm.badges_by_customer": badges }));
    assert_eq!(done.status, 200, "{}", done.body);
    let texts = |database: &str, table: &str, place: usize| -> Vec<Value> {
        world.stored(database, table).into_iter().map(|mut row| row.swap_remove(place)).collect()
    };
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(texts("crm.sqlite", "contacts", 2), [text("new@x.io"), text("B"), text("c@x.io")]);
    assert_eq!(texts("crm.sqlite", "badges", 2), [text("new")]);
}

#[test]
fn what_can_not_be_undone_is_told_by_service_table_and_key() {
    let check = |more: &str, key: &str, people: Json, left: Json| {
        let world = World::new(more);
        let answer = world.patch(key, &broken(people, json!([])));
        let error = answer.json()["error"].take();
        assert_eq!((answer.status, &error["code"]), (500, &json!(500)), "{error}");
        let left = json!([{ "service": "crm", "table": "people", "records": left }]);
        assert_eq!(error["context"]["not_undone"], left, "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("Field 'text' can not be NULL."), "{message}");
        assert!(message.contains("rows of 'people' of the service 'crm' may stay changed"), "{message}");
        for hidden in ["secret", "ADA", "contacts", "no way back"] {
            assert!(!answer.body.contains(&format!("{hidden}\"")), "{hidden}: {}", answer.body);
        }
        assert_eq!(world.stored("shop.sqlite", "customers")[0][1], Value::Text("Ada".to_owned()));
    };
    let kept = "CREATE TRIGGER kept BEFORE DELETE ON contacts BEGIN SELECT RAISE(ABORT, 'no way back'); END;";
    check(kept, WRITER, json!([{ "code": "x" }, { "code": "y" }]), json!([{ "id": 4 }, { "id": 3 }]));
    check(kept, CLERK, json!([{ "id": 1, "note": "new" }, { "code": "x" }]), json!([{ "id": 3 }]));
    let fixed = "CREATE TRIGGER fixed BEFORE UPDATE ON contacts WHEN old.note = 'new' BEGIN SELECT RAISE(ABORT, 'no way back'); END;";
    check(fixed, WRITER, json!([{ "id": 1, "note": "new" }, { "code": "x" }]), json!([{ "id": 1 }]));
    check(fixed, CLERK, json!([{ "id": 1, "note": "new" }, { "code": "x" }]), json!([{ "id": 1 }]));
}

#[test]
fn changes_are_undone_in_reverse_so_that_rows_do_not_stand_in_each_others_way() {
    let check = |more: &str, people: Json| {
        let world = World::new(more);
        let before = world.all();
        let answer = world.patch(WRITER, &broken(people, json!([])));
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains("Field 'text' can not be NULL."), "{}", answer.body);
        assert_eq!(world.all(), before, "{more}");
    };
    // Each takes the note that the one before it had.
    let unique = "UPDATE contacts SET note = 'b' WHERE id = 2; INSERT INTO contacts (id, note) VALUES (3, 'c'), (4, 'd');
        CREATE UNIQUE INDEX notes ON contacts (note);";
    let notes = [(4, "x"), (3, "d"), (2, "c"), (1, "b")];
    check(unique, notes.map(|(id, note)| json!({ "id": id, "note": note })).into_iter().collect());
    // The first to be undone has to wait for the second.
    let waits = "CREATE TRIGGER waits BEFORE UPDATE ON contacts WHEN old.id = 1 AND old.note = 'new'
        AND (SELECT note FROM contacts WHERE id = 2) = 'new' BEGIN SELECT RAISE(ABORT, 'not yet'); END;";
    check(waits, json!([{ "id": 2, "note": "new" }, { "id": 1, "note": "new" }]));
}

#[test]
fn a_deletion_that_takes_other_rows_along_is_refused_where_no_transaction_brings_them_back() {
    let patched = |rule: &str, badge: &str| {
        let world = World::new(&format!(
            "CREATE TABLE uses (id INTEGER PRIMARY KEY, badge INTEGER REFERENCES badges ON DELETE {rule});
            INSERT INTO uses VALUES (1, {badge}), (2, {badge});"
        ));
        let (before, uses) = (world.all(), world.stored("crm.sqlite", "uses"));
        let record = json!({
            "crm.contacts_by_customer": [{ "id": 1, "note": "new" }],
            "crm.badges_by_customer": [{ "label": "NEW" }, { "id": 7, "customer": null }],
        });
        let answer = world.patch(WRITER, &record);
        assert_eq!(world.stored("crm.sqlite", "uses"), uses, "{rule}");
        let is_as_before = world.all() == before;
        (answer, is_as_before, world.stored("crm.sqlite", "badges").len())
    };
    for rule in ["CASCADE", "SET NULL", "SET DEFAULT"] {
        let (answer, is_as_before, _) = patched(rule, "7");
        assert!(answer.status == 501 && is_as_before, "{rule}: {}", answer.body);
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        let told = format!("rows of 'uses', which refers to them with ON DELETE {rule}, would not be");
        assert!(message.contains("Rows of 'badges'") && message.contains(&told), "{message}");
        assert!(!answer.body.contains("not_undone"), "{}", answer.body);
    }
    let (answer, _, badges) = patched("RESTRICT", "NULL");
    assert_eq!((answer.status, badges), (200, 1), "{}", answer.body);
}

#[test]
fn a_record_that_comes_back_to_its_own_service_does_so_in_its_transaction() {
    let world = World::new("");
    let before = world.all();
    let letters = json!([{ "text": "by way of the other" }, { "id": 1, "text": "changed" }]);
    let people = json!([{ "id": 1, "note": "x", "shop.letters_by_customer_id": letters }]);
    let answer = world.patch(WRITER, &broken(people.clone(), json!([])));
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("Field 'text' can not be NULL."), "{}", answer.body);
    assert_eq!(world.all(), before);
    let answer = world.patch(WRITER, &json!({ "name": "Eve", "crm.contacts_by_customer": people }));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let letter =
        |id: i64, text: &str| vec![Value::Integer(id), Value::Integer(1), Value::Text(text.to_owned())];
    let letters = world.stored("shop.sqlite", "letters");
    assert_eq!(letters, [letter(1, "changed"), letter(2, "by way of the other")]);
}

#[test]
fn a_record_of_a_list_tells_what_it_left() {
    let world =
        World::new("CREATE TRIGGER kept BEFORE DELETE ON contacts BEGIN SELECT RAISE(ABORT, 'no'); END;");
    let mut failing = broken(json!([{ "code": "x" }]), json!([]));
    failing["id"] = json!(1);
    let list = json!({ "resource": [failing, { "id": 1, "name": "Fay" }] });
    let patch = request("PATCH", "/api/v2/shop/_table/customers?continue=true").key(WRITER).body(&list);
    let answer = world.0.send(patch);
    let context = answer.json()["error"]["context"].take();
    assert_eq!(context["resource"][0]["code"], 500, "{}", answer.body);
    let left = json!([{ "service": "crm", "table": "people", "records": [{ "id": 3 }] }]);
    assert_eq!(
        (&context["error_details"][0]["not_undone"], &context["resource"][1]["id"]),
        (&left, &json!(1))
    );
    assert_eq!(world.stored("shop.sqlite", "customers")[0][1], Value::Text("Fay".to_owned()));
}
