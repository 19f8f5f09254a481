//! Fields that clients call otherwise than the store, and fields that are computed: what a plan says of them, and what is sent.

use std::sync::Arc;

use connector_api::model::{CompareOp, Expr, Filter, Function, Path, Query, Table, Value};

use super::{able, orders, request};
use crate::extras::{DbFunction, FieldExtras, TableExtras, Use};
use crate::plan::{Aliases, Checks, Error, RowRules, Scope, Views, count, page};
use crate::roles::{FilterOp, RowFilter, RowOperator};

fn alias(alias: &str) -> FieldExtras {
    FieldExtras { alias: Some(alias.to_owned()), ..FieldExtras::default() }
}

fn computed(type_word: &str, function: &str) -> FieldExtras {
    let db_function = vec![DbFunction { uses: vec![Use::Select], function: function.to_owned() }];
    FieldExtras {
        type_word: Some(type_word.to_owned()),
        is_virtual: true,
        db_function,
        ..FieldExtras::default()
    }
}

fn extras(fields: &[(&str, FieldExtras)]) -> TableExtras {
    let fields = fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect();
    TableExtras { fields, ..TableExtras::default() }
}

fn aliases(fields: &[(&str, FieldExtras)]) -> Arc<Aliases> {
    let (aliases, problems) = Aliases::of(&orders(), &extras(fields));
    assert_eq!(problems, Vec::<String>::new());
    aliases.unwrap()
}

fn with<T>(
    aliases: &Arc<Aliases>,
    rules: &[RowFilter],
    plan: impl FnOnce(&Scope<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let table: Table = aliases.shown(&orders());
    plan(&Scope {
        table: &table,
        views: &Views::default(),
        checks: &Checks::default(),
        aliases: Some(aliases),
        now: std::time::SystemTime::UNIX_EPOCH,
        capabilities: &able(),
        rules: (!rules.is_empty()).then_some(RowRules { filters: rules, op: FilterOp::And }),
        rules_of_new_rows: None,
        is_readable: true,
        lookup: &|_| None,
        max_records: 100,
        reach: None,
    })
}

/// What is sent for a request, and its values without the limit of rows.
fn sent(aliases: &Arc<Aliases>, query: &[(&str, &str)]) -> (Query, Vec<Value>) {
    let page = with(aliases, &[], |scope| page(&request(query), scope)).unwrap();
    let (query, params) = page.read.sent().unwrap();
    (query.into_owned(), params.into_owned())
}

fn columns(paths: &[Path]) -> Vec<&str> {
    paths.iter().filter_map(Path::as_column).collect()
}

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

#[test]
fn a_plan_has_the_names_of_clients_and_what_is_sent_those_of_the_store() {
    let aliases = aliases(&[("id", alias("no")), ("country", alias("land"))]);
    let asked = [("fields", "land,amount"), ("filter", "land = 'SE'"), ("order", "land")];
    let page = with(&aliases, &[], |scope| page(&request(&asked), scope)).unwrap();
    assert_eq!(
        (page.read.names.as_ref(), page.read.key.as_slice()),
        (&["land".to_owned(), "amount".to_owned()][..], &["no".to_owned()][..])
    );
    let (query, params) = page.read.sent().unwrap();
    assert_eq!(columns(&query.select), ["country", "amount"]);
    let order: Vec<&str> = query.order.iter().filter_map(|item| item.by.as_column()).collect();
    assert_eq!(order, ["country", "id"]);
    let is_swedish = Filter::Compare { op: CompareOp::Eq, left: column("country"), right: Expr::Param(0) };
    assert_eq!(
        (query.filter.clone(), params),
        (Some(is_swedish.clone()), page.read.params.as_slice().into())
    );
    let (counted, _) = with(&aliases, &[], |scope| count(&request(&asked), scope)).unwrap();
    assert_eq!(counted.filter, Some(is_swedish));
    assert_eq!(page.read.renames().unwrap().get("country").map(String::as_str), Some("land"));
}

#[test]
fn the_stores_name_of_an_aliased_field_is_no_name_of_it() {
    let aliases = aliases(&[("country", alias("land"))]);
    for asked in
        [("fields", "country"), ("filter", "country = 'SE'"), ("order", "country"), ("group", "country")]
    {
        let planned = with(&aliases, &[], |scope| page(&request(&[asked]), scope));
        assert!(matches!(planned, Err(Error::Invalid { .. })), "{asked:?}: {planned:?}");
    }
}

#[test]
fn row_rules_name_fields_either_way() {
    let aliases = aliases(&[("country", alias("land"))]);
    for name in ["country", "COUNTRY", "land"] {
        let rule =
            RowFilter { name: name.to_owned(), operator: RowOperator::Equal, value: Some("SE".into()) };
        let page = with(&aliases, &[rule], |scope| page(&request(&[]), scope)).unwrap();
        let (query, _) = page.read.sent().unwrap();
        let rule = Filter::Compare { op: CompareOp::Eq, left: column("country"), right: Expr::Param(0) };
        assert_eq!(query.filter, Some(Filter::And(vec![rule])), "{name}");
    }
}

#[test]
fn a_virtual_field_is_computed_where_it_is_shown_compared_and_ordered_by() {
    let aliases = aliases(&[("id", alias("no")), ("label", computed("string", "lower(country)"))]);
    let lower = Expr::Call { function: Function::Lower, args: vec![column("country")] };
    let (query, params) =
        sent(&aliases, &[("fields", "no,label"), ("filter", "label = 'se'"), ("order", "label")]);
    assert_eq!(columns(&query.select), ["id"]);
    assert_eq!(query.compute.len(), 1);
    assert_eq!((&query.compute[0].name, &query.compute[0].value), (&"label".to_owned(), &lower));
    let compared = Filter::Compare { op: CompareOp::Eq, left: lower, right: Expr::Param(0) };
    assert_eq!((query.filter, params.len()), (Some(compared), 2));
    let order: Vec<&str> = query.order.iter().filter_map(|item| item.by.as_column()).collect();
    assert_eq!(order, ["label", "id"]);
    let (query, _) = sent(&aliases, &[("fields", "no"), ("order", "label")]);
    assert_eq!(query.compute[0].name, "order by label");
}

#[test]
fn a_column_whose_function_does_not_fit_is_null_and_nothing_can_be_asked_of_it() {
    let function = DbFunction { uses: vec![Use::Select], function: "lower(nothing)".to_owned() };
    let hidden = FieldExtras { db_function: vec![function], ..FieldExtras::default() };
    let (aliases, problems) = Aliases::of(&orders(), &extras(&[("country", hidden)]));
    assert_eq!(problems.len(), 1);
    let aliases = aliases.unwrap();
    let (query, params) = sent(&aliases, &[("fields", "country")]);
    assert_eq!((columns(&query.select), query.compute[0].name.as_str()), (vec![], "country"));
    let Expr::Param(place) = query.compute[0].value else { panic!("{query:?}") };
    assert_eq!(params[place], Value::Null);
    for asked in
        [("filter", "country is null"), ("filter", "amount = 1 or country = 'SE'"), ("id_field", "country")]
    {
        let planned = with(&aliases, &[], |scope| page(&request(&[asked, ("ids", "1")]), scope));
        assert!(planned.is_err(), "{asked:?}");
    }
    let ordered = with(&aliases, &[], |scope| page(&request(&[("order", "country")]), scope)).unwrap();
    assert!(ordered.read.sent().is_err());
    let rule = RowFilter { name: "country".to_owned(), operator: RowOperator::IsNull, value: None };
    assert!(with(&aliases, &[rule], |scope| page(&request(&[]), scope)).is_err());
}

#[test]
fn names_that_do_not_fit_are_told_and_left_out() {
    let check = |fields: &[(&str, FieldExtras)], expected: &str| {
        let (aliases, problems) = Aliases::of(&orders(), &extras(fields));
        assert!(problems.len() == 1 && problems[0].contains(expected), "{problems:?}");
        assert_eq!(aliases, None);
    };
    check(&[("country", alias("Amount"))], "is the name of another field");
    check(&[("country", alias("a b"))], "must be made of letters");
    check(&[("amount", computed("string", "country"))], "can't be called like another field");
    check(&[("x", computed("string", "nothing"))], "'nothing' is no field");
    let open = Table { is_open: true, ..orders() };
    let (aliases, problems) = Aliases::of(&open, &extras(&[("country", alias("land"))]));
    assert_eq!((aliases, problems.len()), (None, 1));
    assert_eq!(Aliases::of(&orders(), &TableExtras::default()), (None, Vec::new()));
}
