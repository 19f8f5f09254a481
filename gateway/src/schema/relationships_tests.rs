//! Tests of relationships: their names, kinds, columns and order.

use connector_api::model::{Column, ColumnType, Key};

use super::*;

/// A table from `name(columns)`; the first column is the primary key. Foreign keys read
/// `columns -> table(columns)`, and lists of columns have commas.
fn table(definition: &str, keys: &[&str]) -> Table {
    let (name, columns) = named_list(definition);
    Table {
        table: table_ref(&name),
        primary_key: columns.iter().take(1).cloned().collect(),
        columns: columns.into_iter().map(|column| Column::new(column, ColumnType::Integer)).collect(),
        foreign_keys: keys.iter().map(|key| foreign_key(key)).collect(),
        ..Table::default()
    }
}

fn foreign_key(text: &str) -> ForeignKey {
    let (columns, references) = text.split_once(" -> ").unwrap();
    let (name, referenced_columns) = named_list(references);
    ForeignKey {
        columns: list(columns),
        references: table_ref(&name),
        referenced_columns,
        ..ForeignKey::default()
    }
}

fn named_list(text: &str) -> (String, Vec<String>) {
    let (name, rest) = text.split_once('(').unwrap();
    (name.to_owned(), list(rest.trim_end_matches(')')))
}

fn list(text: &str) -> Vec<String> {
    text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn table_ref(name: &str) -> TableRef {
    let mut namespace: Vec<String> = name.split('.').map(str::to_owned).collect();
    let name = namespace.pop().unwrap();
    TableRef { namespace, name }
}

/// `name kind columns -> table(columns)`, with ` via table(columns -> columns)` for a third table.
fn shown(relationship: &Relationship) -> String {
    let via = relationship.junction.as_ref().map_or_else(String::new, |junction| {
        format!(
            " via {}({} {})",
            junction.table,
            junction.columns.join(","),
            junction.target_columns.join(",")
        )
    });
    format!(
        "{} {} {} -> {}({}){via}",
        relationship.name,
        relationship.kind.word(),
        relationship.columns.join(","),
        relationship.target,
        relationship.target_columns.join(","),
    )
}

#[track_caller]
fn check(tables: &[Table], name: &str, expected: &[&str]) {
    let mut shared: Vec<Arc<Table>> = tables.iter().cloned().map(Arc::new).collect();
    for _ in 0..2 {
        let found: Vec<String> =
            References::new(&shared, Arc::default()).of(&table_ref(name)).iter().map(shown).collect();
        assert_eq!(found, expected, "{name}");
        // The order in which a store lists its tables must not matter.
        shared.reverse();
    }
}

#[test]
fn references_are_followed_anew_when_a_table_or_the_extras_are_others() {
    let mut tables: Vec<Arc<Table>> = shop().into_iter().map(Arc::new).collect();
    let followed = Followed::default();
    let of = |tables: &[Arc<Table>], extras: &Arc<extras::Tables>| {
        followed.of(tables.to_vec(), Arc::clone(extras), |_| {})
    };
    let none = Arc::default();
    let first = of(&tables, &none);
    assert!(Arc::ptr_eq(&first, &of(&tables, &none)));
    assert!(Arc::ptr_eq(&first, &of(&tables, &Arc::default())), "no extras are no extras");
    let some = Arc::new(extras::Tables::from([("orders".to_owned(), extras::TableExtras::default())]));
    assert!(!Arc::ptr_eq(&first, &of(&tables, &some)));
    assert!(Arc::ptr_eq(&of(&tables, &some), &of(&tables, &some)));
    let last = tables.len() - 1;
    tables[last] = Arc::new(Table::clone(&tables[last]));
    assert!(!Arc::ptr_eq(&first, &of(&tables, &none)));
    tables.pop();
    assert_eq!(of(&tables, &none).of(&table_ref("customers")).len(), 1);
}

fn shop() -> Vec<Table> {
    let mut profiles = table("profiles(id,customer_id)", &["customer_id -> customers(id)"]);
    profiles.unique_keys = vec![Key { name: "one_each".to_owned(), columns: list("customer_id") }];
    vec![
        table("customers(id,name)", &[]),
        table("orders(id,customer_id)", &["customer_id -> customers(id)"]),
        table(
            "order_items(id,order_id,product_id)",
            &["order_id -> orders(id)", "product_id -> products(id)"],
        ),
        table("products(id)", &[]),
        profiles,
    ]
}

#[test]
fn each_kind_has_its_name() {
    let shop = shop();
    check(
        &shop,
        "customers",
        &[
            "orders_by_customer_id has_many id -> orders(customer_id)",
            "profiles_by_customer_id has_one id -> profiles(customer_id)",
        ],
    );
    check(
        &shop,
        "orders",
        &[
            "customers_by_customer_id belongs_to customer_id -> customers(id)",
            "order_items_by_order_id has_many id -> order_items(order_id)",
            "products_by_order_items many_many id -> products(id) via order_items(order_id product_id)",
        ],
    );
    check(
        &shop,
        "products",
        &[
            "order_items_by_product_id has_many id -> order_items(product_id)",
            "orders_by_order_items many_many id -> orders(id) via order_items(product_id order_id)",
        ],
    );
    check(&shop, "profiles", &["customers_by_customer_id belongs_to customer_id -> customers(id)"]);
    check(
        &shop,
        "order_items",
        &[
            "orders_by_order_id belongs_to order_id -> orders(id)",
            "products_by_product_id belongs_to product_id -> products(id)",
        ],
    );
    check(&shop, "nothing", &[]);
}

#[test]
fn self_reference_keeps_the_name_for_the_children() {
    let tables = [table("employees(id,manager_id)", &["manager_id -> employees(id)"])];
    check(
        &tables,
        "employees",
        &[
            "employees_by_manager_id_parent belongs_to manager_id -> employees(id)",
            "employees_by_manager_id has_many id -> employees(manager_id)",
        ],
    );
    let found = References::new(&tables.map(Arc::new), Arc::default()).of(&table_ref("employees"));
    assert_eq!(
        found.first().and_then(|parent| parent.description.as_deref()),
        Some(
            "The employees row that manager_id refers to. employees_by_manager_id is another relationship of this table."
        )
    );
}

#[test]
fn tables_that_refer_to_each_other_keep_the_name_for_the_children() {
    let tables = [table("a(id,x)", &["x -> B(id)"]), table("B(id,X)", &["X -> a(id)"])];
    check(&tables, "a", &["B_by_x_parent belongs_to x -> B(id)", "B_by_X has_many id -> B(X)"]);
}

#[test]
fn a_parent_name_that_is_taken_is_passed_over() {
    let keys = ["up -> t(id)", "up_parent -> t(id)"];
    check(
        &[table("t(id,up,up_parent)", &keys)],
        "t",
        &[
            "t_by_up_parent_parent belongs_to up -> t(id)",
            "t_by_up_parent_parent_parent belongs_to up_parent -> t(id)",
            "t_by_up has_many id -> t(up)",
            "t_by_up_parent has_many id -> t(up_parent)",
        ],
    );
}

#[test]
fn junction_of_a_table_with_itself_gives_no_many_many() {
    let keys = ["a -> people(id)", "b -> people(id)"];
    check(
        &[table("people(id)", &[]), table("friends(id,a,b)", &keys)],
        "people",
        &["friends_by_a has_many id -> friends(a)", "friends_by_b has_many id -> friends(b)"],
    );
}

#[test]
fn last_way_to_the_same_table_wins() {
    let flights = table(
        "flights(id,carrier,origin,dest)",
        &["carrier -> airlines(code)", "origin -> airports(code)", "dest -> airports(code)"],
    );
    let tables = [table("airlines(code)", &[]), table("airports(code)", &[]), flights];
    check(
        &tables,
        "airlines",
        &[
            "flights_by_carrier has_many code -> flights(carrier)",
            "airports_by_flights many_many code -> airports(code) via flights(carrier dest)",
        ],
    );
    check(
        &tables,
        "airports",
        &[
            "flights_by_dest has_many code -> flights(dest)",
            "flights_by_origin has_many code -> flights(origin)",
            "airlines_by_flights many_many code -> airlines(code) via flights(dest carrier)",
        ],
    );
}

#[test]
fn table_that_refers_to_itself_and_another_joins_them() {
    let employees = table("staff(id,boss,unit)", &["boss -> staff(id)", "unit -> units(id)"]);
    check(
        &[employees, table("units(id)", &[])],
        "units",
        &[
            "staff_by_unit has_many id -> staff(unit)",
            "staff_by_staff many_many id -> staff(id) via staff(unit boss)",
        ],
    );
}

#[test]
fn composite_keys_pair_their_columns() {
    let mut seats =
        table("seats(hall,row,show_id)", &["hall,row -> rows(hall,number)", "show_id -> shows(id)"]);
    seats.primary_key = list("row,hall");
    let tables = [table("rows(hall,number)", &[]), table("shows(id)", &[]), seats];
    check(
        &tables,
        "seats",
        &[
            "rows_by_hall_row belongs_to hall,row -> rows(hall,number)",
            "shows_by_show_id belongs_to show_id -> shows(id)",
        ],
    );
    check(
        &tables,
        "rows",
        &[
            "seats_by_hall_row has_one hall,number -> seats(hall,row)",
            "shows_by_seats many_many hall,number -> shows(id) via seats(hall,row show_id)",
        ],
    );
}

#[test]
fn part_of_a_key_is_no_key() {
    let mut child = table("child(id,parent_id,at)", &["parent_id -> parent(id)"]);
    child.primary_key = list("parent_id,at");
    check(
        &[table("parent(id)", &[]), child],
        "parent",
        &["child_by_parent_id has_many id -> child(parent_id)"],
    );
}

#[test]
fn missing_target_columns_mean_the_primary_key() {
    let mut parent = table("parent(a,b)", &[]);
    parent.primary_key = list("b,a");
    check(
        &[parent, table("child(id,x,y)", &["x,y -> parent()"])],
        "child",
        &["parent_by_x_y belongs_to x,y -> parent(b,a)"],
    );
}

#[test]
fn names_are_found_and_spelled_as_the_table_spells_them() {
    let tables = [table("Parent(ID)", &[]), table("child(id,Parent_Id)", &["PARENT_ID -> PARENT(id)"])];
    check(&tables, "child", &["Parent_by_Parent_Id belongs_to Parent_Id -> Parent(ID)"]);
    check(&tables, "Parent", &["child_by_Parent_Id has_many ID -> child(Parent_Id)"]);
}

#[test]
fn exact_name_is_preferred_to_one_in_another_case() {
    let tables = [
        table("Parent(id)", &[]),
        table("parent(id)", &[]),
        table("child(id,p,q)", &["p -> parent(id)", "q -> PARENT(id)"]),
    ];
    check(&tables, "child", &["parent_by_p belongs_to p -> parent(id)"]);
}

#[test]
fn key_that_leads_nowhere_gives_no_relationship() {
    for key in [
        "x -> gone(id)",
        "x -> other(gone)",
        "gone -> other(id)",
        "x,y -> other(id)",
        "x,y -> other()",
        " -> other()",
    ] {
        check(&[table("t(id,x,y)", &[key]), table("other(id)", &[])], "t", &[]);
        check(&[table("t(id,x,y)", &[key]), table("other(id)", &[])], "other", &[]);
    }
}

#[test]
fn names_carry_the_namespace() {
    let tables = [
        table("customers(id)", &[]),
        table("sales.orders(id,customer_id)", &["customer_id -> customers(id)"]),
        table("sales.items(id,order_id,tag_id)", &["order_id -> sales.orders(id)", "tag_id -> tags(id)"]),
        table("tags(id)", &[]),
    ];
    check(&tables, "customers", &["sales.orders_by_customer_id has_many id -> sales.orders(customer_id)"]);
    check(
        &tables,
        "tags",
        &[
            "sales.items_by_tag_id has_many id -> sales.items(tag_id)",
            "sales.orders_by_sales.items many_many id -> sales.orders(id) via sales.items(tag_id order_id)",
        ],
    );
    check(&tables, "orders", &[]);
}

#[test]
fn rules_go_with_both_sides_of_the_key() {
    let mut child = table("child(id,parent_id)", &["parent_id -> parent(id)"]);
    for key in &mut child.foreign_keys {
        key.on_update = Some("CASCADE".to_owned());
        key.on_delete = Some("SET NULL".to_owned());
    }
    let references = References::new(&[Arc::new(child), Arc::new(table("parent(id)", &[]))], Arc::default());
    for name in ["child", "parent"] {
        for relationship in references.of(&table_ref(name)) {
            assert_eq!(relationship.on_update.as_deref(), Some("CASCADE"), "{name}");
            assert_eq!(relationship.on_delete.as_deref(), Some("SET NULL"), "{name}");
        }
        assert_eq!(references.of(&table_ref(name)).len(), 1);
    }
}

#[test]
fn a_deletion_changes_the_rows_that_refer_with_a_rule_that_does_not_keep_them() {
    let check = |rules: &[Option<&str>], changed: Option<(&str, &str)>| {
        let child = |(at, rule): (usize, &Option<&str>)| {
            let mut child = table(&format!("child{at}(id,parent_id)"), &["parent_id -> parent(id)"]);
            child.foreign_keys.iter_mut().for_each(|key| key.on_delete = rule.map(str::to_owned));
            Arc::new(child)
        };
        let mut tables: Vec<_> = rules.iter().enumerate().map(child).collect();
        tables.push(Arc::new(table("parent(id)", &[])));
        let references = References::new(&tables, Arc::default());
        let found = references.changed_by_deletion(&table_ref("parent"));
        assert_eq!(found.map(|(table, rule)| (table.name.as_str(), rule)), changed, "{rules:?}");
        assert_eq!(references.changed_by_deletion(&table_ref("child0")), None);
    };
    check(&[None, Some("NO ACTION"), Some("restrict")], None);
    for rule in ["CASCADE", "SET NULL", "SET DEFAULT", "set null"] {
        check(&[Some("RESTRICT"), Some(rule)], Some(("child1", rule)));
    }
}

#[test]
fn fifty_thousand_tables_are_followed() {
    let count = 50_000;
    let tables: Vec<Arc<Table>> = (0..count)
        .map(|at| Arc::new(table(&format!("t{at}(id,up)"), &[&format!("up -> T{}(id)", (at + 1) % count)])))
        .collect();
    let references = References::new(&tables, Arc::default());
    let found: usize = tables.iter().map(|table| references.of(&table.table).len()).sum();
    assert_eq!(found, 2 * count);
}

/// The relationships of `orders`, shown, with these extras of it in TOML's form.
fn with_extras(tables: &[Table], kept: serde_json::Value) -> (Vec<String>, Vec<String>) {
    let shared: Vec<Arc<Table>> = tables.iter().cloned().map(Arc::new).collect();
    let extras = serde_json::from_value(serde_json::json!({ "orders": { "relationships": kept } })).unwrap();
    let references = References::new(&shared, Arc::new(extras));
    let with_alias = |known: &Relationship| match &known.extras.alias {
        Some(alias) => format!("{} as {alias}", shown(known)),
        None => shown(known),
    };
    let found = references.of(&table_ref("orders"));
    let lost = references.lost().map(|(table, name)| format!("{table}.{name}")).collect();
    (found.iter().map(with_alias).collect(), lost)
}

fn made(kind: &str, field: &str, ref_table: &str, ref_field: &str) -> serde_json::Value {
    serde_json::json!({ "virtual": { "type": kind, "field": [field], "ref_table": ref_table, "ref_field": [ref_field] } })
}

#[test]
fn virtual_relationships_stand_beside_those_of_foreign_keys() {
    let tables = [
        table("orders(id,customer_id,Region)", &["customer_id -> customers(id)"]),
        table("customers(id)", &[]),
        table("regions(code)", &[]),
    ];
    let kept = serde_json::json!({
        "customers_by_customer_id": { "alias": "customer" },
        "regions_by_region": made("belongs_to", "region", "REGIONS", "code"),
        "gone_by_id": made("has_many", "id", "gone", "id"),
        "regions_by_lost": made("has_many", "id", "regions", "lost"),
        "crm.people_by_x": { "virtual": { "type": "has_one", "field": ["id"], "ref_service": "crm", "ref_table": "people", "ref_field": ["x"] } },
    });
    let (found, lost) = with_extras(&tables, kept);
    assert_eq!(
        found,
        [
            "customers_by_customer_id belongs_to customer_id -> customers(id) as customer",
            "regions_by_region belongs_to Region -> regions(code)",
            "crm.people_by_x has_one id -> people(x)",
        ]
    );
    assert_eq!(lost, ["orders.gone_by_id", "orders.regions_by_lost"]);
}

#[test]
fn what_is_kept_gives_way_to_what_the_database_has() {
    let tables = [
        table("orders(id,customer_id,buyer)", &["customer_id -> customers(id)"]),
        table("customers(id,name)", &[]),
    ];
    let kept = serde_json::json!({
        "customers_by_customer_id": { "alias": "buyer", "virtual": made("belongs_to", "customer_id", "customers", "name")["virtual"] },
        "customers_by_buyer": { "alias": "customers_by_customer_id", "virtual": made("belongs_to", "buyer", "customers", "id")["virtual"] },
    });
    assert_eq!(
        with_extras(&tables, kept).0,
        [
            "customers_by_buyer belongs_to buyer -> customers(id)",
            "customers_by_customer_id belongs_to customer_id -> customers(id)",
        ]
    );
}

#[test]
fn an_open_table_has_every_field() {
    let open = |name: &str| Table { is_open: true, ..table(&format!("{name}(_id)"), &[]) };
    let kept = serde_json::json!({ "people_by_owner": made("belongs_to", "owner", "people", "mail") });
    let (found, lost) = with_extras(&[open("orders"), open("people")], kept);
    assert_eq!((found, lost), (vec!["people_by_owner belongs_to owner -> people(mail)".to_owned()], vec![]));
}
