//! The matching rules of roles, by example.

use super::*;

fn entry(service: Option<&str>, component: &str, words: &str) -> Access {
    Access {
        service: service.map(str::to_owned),
        component: component.to_owned(),
        verbs: VerbMask::from_words(words.split_whitespace()).unwrap(),
        requestors: RequestorMask::API,
        ..Access::default()
    }
}

fn filtered(service: Option<&str>, component: &str, words: &str, column: &str) -> Access {
    let rule = RowFilter { name: column.to_owned(), operator: RowOperator::Equal, value: Some("1".into()) };
    Access { filters: vec![rule], filter_op: FilterOp::Or, ..entry(service, component, words) }
}

fn role(access: Vec<Access>) -> Role {
    Role::new(1, "r", true, access)
}

/// Asserts the granted words on (service, component).
fn check(role: &Role, service: &str, component: &str, expected: &str) {
    let granted = role.permissions(service, component, Requestor::Api);
    assert_eq!(granted.words().collect::<Vec<_>>().join(" "), expected, "{service} '{component}'");
}

#[test]
fn all_services_without_component_is_every_root_only() {
    let role = role(vec![entry(None, "", "GET")]);
    check(&role, "system", "", "GET");
    check(&role, "shop", "", "GET");
    check(&role, "system", "app", "");
    check(&role, "shop", "_table/orders", "");
}

#[test]
fn all_services_with_star_is_everything() {
    let role = role(vec![entry(None, "*", "GET")]);
    check(&role, "system", "", "GET");
    check(&role, "system", "app", "GET");
    check(&role, "shop", "_table/orders/5", "GET");
}

#[test]
fn all_services_with_another_component_is_nothing() {
    let role = role(vec![entry(None, "_table/*", "GET")]);
    check(&role, "shop", "_table/orders", "");
    check(&role, "shop", "_table/*", "");
}

#[test]
fn service_without_component_is_its_root_only() {
    let role = role(vec![entry(Some("system"), "", "GET")]);
    check(&role, "system", "", "GET");
    check(&role, "system", "app", "");
    check(&role, "shop", "", "");
}

#[test]
fn plain_component_is_exact() {
    let role = role(vec![entry(Some("system"), "app", "GET")]);
    check(&role, "system", "app", "GET");
    check(&role, "system", "app/1", "");
    check(&role, "system", "apps", "");
    check(&role, "system", "", "");
}

#[test]
fn starred_component_is_itself_and_below_but_not_the_root() {
    let role = role(vec![entry(Some("system"), "app/*", "GET")]);
    check(&role, "system", "app", "GET");
    check(&role, "system", "app/1", "GET");
    check(&role, "system", "apps", "");
    check(&role, "system", "", "");
}

#[test]
fn service_star_is_the_whole_service_with_its_root() {
    let role = role(vec![entry(Some("shop"), "*", "GET")]);
    check(&role, "shop", "", "GET");
    check(&role, "shop", "_table/orders/5", "GET");
    check(&role, "system", "app", "");
}

#[test]
fn case_and_slashes_do_not_matter() {
    let role = role(vec![entry(Some("Shop"), "/_Table/Örders/", "GET")]);
    check(&role, "SHOP", "/_TABLE/öRDERS", "GET");
    check(&role, "shop", "_table/örders/", "GET");
}

#[test]
fn table_star_covers_all_tables_and_the_list() {
    let role = role(vec![entry(Some("shop"), "_table/*", "GET")]);
    check(&role, "shop", "_table", "GET");
    check(&role, "shop", "_table/", "GET");
    check(&role, "shop", "_table/orders", "GET");
    check(&role, "shop", "_table/orders/5", "GET");
    check(&role, "shop", "_schema/orders", "");
}

#[test]
fn one_table_does_not_open_the_list() {
    let role = role(vec![entry(Some("shop"), "_table/orders/*", "GET")]);
    check(&role, "shop", "_table", "");
    check(&role, "shop", "_table/orders", "GET");
    check(&role, "shop", "_table/orders_old", "");
}

#[test]
fn prefix_is_cut_at_the_star_only() {
    let role = role(vec![entry(Some("shop"), "_table/order*", "GET")]);
    check(&role, "shop", "_table/orders", "GET");
    check(&role, "shop", "_table/order", "GET");
    check(&role, "shop", "_table/customers", "");
}

#[test]
fn best_class_decides_alone() {
    let role = role(vec![
        entry(None, "*", "PUT"),
        entry(Some("shop"), "*", "GET DELETE"),
        entry(Some("shop"), "_table/*", "PATCH"),
        entry(Some("shop"), "_table/orders", "POST"),
        entry(Some("shop"), "_table/closed", ""),
    ]);
    check(&role, "shop", "_table/orders", "POST");
    check(&role, "shop", "_table/closed", "");
    check(&role, "shop", "_table/other", "PATCH");
    check(&role, "shop", "_schema", "GET DELETE");
    check(&role, "shop", "", "GET DELETE");
    check(&role, "system", "app", "PUT");
}

#[test]
fn order_of_entries_does_not_matter_and_equal_classes_add_up() {
    let entries = || {
        vec![
            entry(Some("shop"), "_table/orders/*", "POST"),
            entry(Some("shop"), "*", "DELETE"),
            entry(Some("shop"), "_table/*", "GET"),
        ]
    };
    let reversed = entries().into_iter().rev().collect();
    for role in [role(entries()), role(reversed)] {
        check(&role, "shop", "_table/orders", "GET POST");
    }
}

#[test]
fn arguments_of_routines_are_cut() {
    let role = role(vec![
        entry(Some("shop"), "_proc/close_day", "POST"),
        entry(Some("shop"), "_func/vat()", "GET"),
        entry(Some("shop"), "_table/orders", "GET"),
    ]);
    check(&role, "shop", "_proc/close_day(1,2)", "POST");
    check(&role, "shop", "_proc/close_day((1),2)", "POST");
    check(&role, "shop", "_func/VAT(a)", "GET");
    check(&role, "shop", "_proc/close_day('a)b', ')(')", "POST");
    check(&role, "shop", "_proc/close_day(1", "");
    check(&role, "shop", "_proc/close_day('1)", "");
    check(&role, "shop", "_proc/close_day(1)x", "");
    check(&role, "shop", "_table/orders(old)", "");
}

#[test]
fn requestor_mask_is_honoured() {
    let script = Access { requestors: RequestorMask::SCRIPT, ..entry(Some("shop"), "*", "GET") };
    let nobody = Access { requestors: RequestorMask::default(), ..entry(Some("shop"), "*", "DELETE") };
    let role = role(vec![script, nobody]);
    check(&role, "shop", "x", "");
    assert_eq!(role.permissions("shop", "x", Requestor::Script), VerbMask::from(Verb::Get));
}

#[test]
fn inactive_role_grants_nothing() {
    check(&Role::new(1, "r", false, vec![entry(None, "*", "GET")]), "shop", "x", "");
}

/// Asserts the column of the first row rule for a verb on a component of `shop`.
fn check_rule(role: &Role, component: &str, verb: Verb, expected: Option<&str>) {
    let found = role.row_filters("shop", component, verb, Requestor::Api);
    let column = found.and_then(|(rules, _)| rules.first()).map(|rule| rule.name.as_str());
    assert_eq!(column, expected, "{verb} {component}");
}

#[test]
fn an_entry_names_a_component_unless_it_is_about_another_one_as_well() {
    let role = role(vec![
        entry(None, "*", "GET"),
        entry(Some("shop"), "_table/*", "GET"),
        entry(Some("shop"), "_table/t_ord", "GET"),
        entry(Some("shop"), "_table/secret_*", ""),
        entry(Some("shop"), "_table/lines/*", "GET"),
    ]);
    let names = |one: &str, other: &str| {
        role.names("shop", (&format!("_table/{one}"), &format!("_table/{other}")), Requestor::Api)
    };
    for own in ["t_ord", "T_ORD", "secret_pay", "lines"] {
        assert!(names(own, "orders"), "{own}");
    }
    assert!(!names("secret_pay", "secret_wages") && !names("customers", "people"));
}

#[test]
fn row_rules_come_from_the_best_entry_that_grants_the_verb() {
    let role = role(vec![
        filtered(Some("shop"), "_table/orders", "POST", "exact"),
        filtered(Some("shop"), "_table/*", "GET POST", "component"),
        filtered(Some("shop"), "*", "GET DELETE", "service"),
        filtered(None, "*", "PUT", "all"),
    ]);
    check_rule(&role, "_table/Orders", Verb::Post, Some("exact"));
    check_rule(&role, "_table/orders", Verb::Get, Some("component"));
    check_rule(&role, "_table/orders", Verb::Delete, Some("service"));
    check_rule(&role, "_table/orders", Verb::Put, Some("all"));
    check_rule(&role, "_table/orders", Verb::Patch, None);
}

#[test]
fn longer_component_wins_within_a_class_whatever_the_order() {
    let entries = || {
        vec![
            entry(Some("shop"), "_table/*", "GET"),
            filtered(Some("shop"), "_table/orders/*", "GET", "owner"),
            filtered(Some("shop"), "_table/c*", "GET", "tenant"),
            entry(Some("shop"), "_table/countries/*", "GET"),
        ]
    };
    let reversed = entries().into_iter().rev().collect();
    for role in [role(entries()), role(reversed)] {
        check_rule(&role, "_table/orders/5", Verb::Get, Some("owner"));
        check_rule(&role, "_table/customers", Verb::Get, Some("tenant"));
        check_rule(&role, "_table/countries", Verb::Get, None);
        check_rule(&role, "_table/items", Verb::Get, None);
    }
}

#[test]
fn row_rules_are_not_lost_to_a_twin_entry_without_rules() {
    let plain = || entry(Some("shop"), "_table/*", "GET");
    let strict = || filtered(Some("shop"), "_table/*", "GET", "owner");
    for role in [role(vec![plain(), strict()]), role(vec![strict(), plain()])] {
        check_rule(&role, "_table/orders", Verb::Get, Some("owner"));
    }
}

#[test]
fn combination_of_row_rules_is_kept() {
    let role = role(vec![filtered(Some("shop"), "*", "GET", "owner")]);
    let (rules, operator) = role.row_filters("shop", "_table/x", Verb::Get, Requestor::Api).unwrap();
    assert_eq!((rules.len(), operator), (1, FilterOp::Or));
}

#[test]
fn a_call_has_the_name_that_permission_is_asked_for() {
    for (segment, name, arguments) in [
        ("p", "p", None),
        ("p()", "p", Some("")),
        ("p(1,'x')", "p", Some("1,'x'")),
        ("p(')')", "p", Some("')'")),
        ("p((1),2)", "p", Some("(1),2")),
        ("p(1", "p(1", None),
        ("p('1)", "p('1)", None),
        ("p(1)x", "px", None),
        ("p(1)(2)", "p", Some("1)(2")),
    ] {
        assert_eq!(called(segment), (name.to_owned(), arguments), "{segment}");
        let component = format!("_proc/{segment}");
        assert_eq!(normalise(&component), format!("_proc/{name}"), "{segment}");
    }
}
