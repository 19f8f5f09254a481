//! Tests of labels, plurals, order and lookup keys.

use super::*;

#[test]
fn labels_are_the_name_in_words() {
    for (name, expected) in [
        ("order_items", "Order Items"),
        ("orders", "Orders"),
        ("id", "Id"),
        ("orderItems", "Order Items"),
        ("OrderItems", "Order Items"),
        ("HTTPServer", "HTTP Server"),
        ("customerID", "Customer ID"),
        ("address2", "Address2"),
        ("address2City", "Address2 City"),
        ("ORDER_ITEMS", "Order Items"),
        ("ORDER_ID", "Order ID"),
        ("__private--name ", "Private Name"),
        ("sales.orders", "Sales Orders"),
        ("größe_über", "Größe Über"),
        ("rabatt %", "Rabatt %"),
        ("__", "__"),
        ("", ""),
    ] {
        assert_eq!(label(name), expected, "{name}");
    }
}

#[test]
fn plurals_are_english_and_leave_plurals_alone() {
    for (singular, expected) in [
        ("Order", "Orders"),
        ("Company", "Companies"),
        ("Day", "Days"),
        ("Box", "Boxes"),
        ("Index", "Indexes"),
        ("Branch", "Branches"),
        ("Dish", "Dishes"),
        ("Address", "Addresses"),
        ("Status", "Statuses"),
        ("Analysis", "Analyses"),
        ("Axis", "Axes"),
        ("Person", "People"),
        ("person", "people"),
        ("Sales Person", "Sales People"),
        ("Matrix", "Matrices"),
        ("Medium", "Media"),
        ("Order Item", "Order Items"),
        ("Order ID", "Order IDs"),
        ("Weather", "Weather"),
        ("2013", "2013"),
        ("Größe", "Größes"),
        ("Übé", "Übé"),
        ("", ""),
    ] {
        assert_eq!(plural(singular), expected, "{singular}");
        assert_eq!(plural(expected), expected, "the plural of a plural");
    }
    for word in ["Series", "News", "Data", "Metadata", "Menus"] {
        assert_eq!(plural(word), word);
    }
}

#[test]
fn lists_are_in_natural_order_without_regard_to_case() {
    let expected = [
        "",
        "7",
        "Customers",
        "log",
        "log01",
        "log1",
        "LOG2",
        "log9",
        "LOG10",
        "log99999999999999999999998",
        "log99999999999999999999999",
        "log_1",
        "loga",
        "Order_items",
        "Orders",
        "orders",
        "sales.orders",
        "Ärzte",
    ];
    for (at, left) in expected.iter().enumerate() {
        for (other, right) in expected.iter().enumerate() {
            assert_eq!(natural_order(left, right), at.cmp(&other), "{left} {right}");
        }
    }
}

#[test]
fn public_names_join_the_namespace_with_dots() {
    let namespace = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
    for (parts, expected) in
        [(&[][..], "orders"), (&["sales"], "sales.orders"), (&["erp", "sales"], "erp.sales.orders")]
    {
        let table = TableRef { namespace: namespace(parts), name: "orders".to_owned() };
        assert_eq!(public_name(&table), expected);
    }
}

#[test]
fn lookup_keys_ignore_case_beyond_ascii() {
    assert_eq!(lookup_key("ÄRZTE_Orders"), lookup_key("ärzte_ORDERS"));
    assert_ne!(lookup_key("orders"), lookup_key("order"));
}
