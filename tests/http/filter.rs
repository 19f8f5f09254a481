//! The filter grammar: the same questions to both services, over the query string and over a body, and what is refused.

use serde_json::{Value as Json, json};

use crate::client::{Request, request};
use crate::shop::{READER, admin_token, reading, shared};

const SERVICES: [&str; 2] = ["shop", "mem"];

/// A filter, its parameters, and the identifiers of the people that it finds.
type Case = (&'static str, &'static str, &'static [u8]);

const NONE: &str = "{}";

/// Each operator, and the examples of the reference.
const COMPARISONS: &[Case] = &[
    ("name='root'", NONE, &[7]),
    ("name=root", NONE, &[7]),
    ("NAME = root", NONE, &[7]),
    ("age = 18", NONE, &[2]),
    ("age eq 18", NONE, &[2]),
    ("age != 18", NONE, &[1, 3, 5, 6, 7]),
    ("age <> 18", NONE, &[1, 3, 5, 6, 7]),
    ("age NE 18", NONE, &[1, 3, 5, 6, 7]),
    ("age>36", NONE, &[5, 7]),
    ("age gt 36", NONE, &[5, 7]),
    ("age >= 36", NONE, &[1, 5, 7]),
    ("age GTE 36", NONE, &[1, 5, 7]),
    ("age < 18", NONE, &[3, 6]),
    ("age lt 18", NONE, &[3, 6]),
    ("age<=18", NONE, &[2, 3, 6]),
    ("age lte 18", NONE, &[2, 3, 6]),
    ("email is null", NONE, &[3]),
    ("email IS NOT NULL", NONE, &[1, 2, 4, 5, 6, 7]),
    ("id in (1,2,3)", NONE, &[1, 2, 3]),
    ("id IN(1,2)", NONE, &[1, 2]),
    ("id not in(1,2,3)", NONE, &[4, 5, 6, 7]),
    ("name in ('Smith, John', root)", NONE, &[4, 7]),
    ("age between 17 and 36", NONE, &[1, 2, 3]),
    ("age NOT BETWEEN 17 AND 40", NONE, &[5, 6]),
];

const SEARCHES: &[Case] = &[
    ("name like '%smith%'", NONE, &[3, 4, 6]),
    ("name like Smith_%", NONE, &[4, 6]),
    ("name not like 'A%'", NONE, &[2, 3, 4, 5, 6, 7]),
    ("name ilike 'ROOT'", NONE, &[7]),
    ("name contains smith", NONE, &[3, 4, 6]),
    ("name contains 'smith'", NONE, &[3, 4, 6]),
    ("name NOT CONTAINS smith", NONE, &[1, 2, 5, 7]),
    ("name starts with Smith", NONE, &[4, 6]),
    ("name STARTS WITH 'Smith'", NONE, &[4, 6]),
    ("name ends with Smith", NONE, &[3]),
    ("name not ends with \"Smith\"", NONE, &[1, 2, 4, 5, 6, 7]),
    // Wildcards are text here.
    ("note contains '50%'", NONE, &[1]),
    ("note contains '_'", NONE, &[5]),
    ("note like '%a=b%'", NONE, &[2]),
    // Numbers have a text as well.
    ("age like '1%'", NONE, &[2, 3, 5, 6]),
    ("age not like '1%'", NONE, &[1, 7]),
    ("id contains 3", NONE, &[3]),
    ("id ends with '7'", NONE, &[7]),
    ("balance starts with 10", NONE, &[1, 6]),
    ("score ends with '.5'", NONE, &[1, 2, 3, 6, 7]),
];

const LOGIC: &[Case] = &[
    ("(is_active = true) AND (age>=18)", NONE, &[1, 7]),
    ("(is_active = true)&&(age>=18)", NONE, &[1, 7]),
    ("((age=18) OR (age=17)) AND (email IS NOT NULL)", NONE, &[2]),
    ("(age = 18)or(age = 17)", NONE, &[2, 3]),
    ("(age = 18) || (age = 17)", NONE, &[2, 3]),
    ("(age = 18) NOR (age = 17)", NONE, &[1, 5, 6, 7]),
    ("(age > 17) XOR (is_active = true)", NONE, &[2, 3, 5, 6]),
    ("NOT (name IN ('root','Żółw'))", NONE, &[1, 2, 3, 4, 6]),
    ("not(age > 17)", NONE, &[3, 6]),
    // Precedence, with and without parentheses.
    ("(age = 18) OR (age = 17) AND (is_active = false)", NONE, &[2]),
    ("age = 18 or age = 17 and is_active = false", NONE, &[2]),
    ("age > 10 and age < 20", NONE, &[2, 3]),
    ("((age = 18) OR (age = 17)) AND (is_active = true)", NONE, &[3]),
    ("age between 17 and 18 and is_active = true", NONE, &[3]),
    // A condition that is unknown, because a value is null, is not true either way round.
    ("not (age = 18)", NONE, &[1, 3, 5, 6, 7]),
    ("(age = 18) or (id = 4)", NONE, &[2, 4]),
    ("", NONE, &[1, 2, 3, 4, 5, 6, 7]),
    ("  ", NONE, &[1, 2, 3, 4, 5, 6, 7]),
];

const VALUES: &[Case] = &[
    ("name = Smith and Sons", NONE, &[6]),
    ("name = 'Bob O'Brien'", NONE, &[2]),
    ("name = 'Bob O''Brien'", NONE, &[2]),
    ("name = \"Bob O'Brien\"", NONE, &[2]),
    ("name = Bob O'Brien", NONE, &[2]),
    ("note = 'a=b) AND (c'", NONE, &[2]),
    ("note = '1 AND age = 2'", NONE, &[4]),
    ("note = ''' OR 1=1 --'", NONE, &[6]),
    ("email = ''", NONE, &[4]),
    ("email =", NONE, &[4]),
    ("email = null", NONE, &[]),
    ("name = Żółw", NONE, &[5]),
    ("is_active = yes", NONE, &[1, 3, 6, 7]),
    ("is_active = 0", NONE, &[2, 5]),
    ("is_active != TRUE", NONE, &[2, 5]),
    ("serial = 9007199254740993", NONE, &[1]),
    ("serial > 9007199254740992", NONE, &[1, 5]),
    ("serial = 9223372036854775807", NONE, &[5]),
    ("serial in (-9223372036854775808, 6)", NONE, &[3, 7]),
    ("serial < 18446744073709551615", NONE, &[1, 2, 3, 5, 6, 7]),
    ("age > 17.5", NONE, &[1, 2, 5, 7]),
    ("balance = 10.50", NONE, &[1]),
    ("balance in (0.5, 99.75)", NONE, &[3, 5]),
    ("balance < -3", NONE, &[2]),
    ("score >= 35e-1", NONE, &[6, 7]),
    ("photo = 'AP8Q'", NONE, &[1, 6]),
    // Calculations with own columns and permitted functions.
    ("balance > (score * 2)", NONE, &[1, 3, 5, 6]),
    ("age > (18 + 18)", NONE, &[5, 7]),
    ("name = (lower('ROOT'))", NONE, &[7]),
    ("age = (coalesce(age, 0))", NONE, &[1, 2, 3, 5, 6, 7]),
];

/// Days and times are texts in the form that the store gives them out in.
const MOMENTS: &[Case] = &[
    ("born > '1984-03-02'", NONE, &[2, 4, 6, 7]),
    ("born = 2000-02-29", NONE, &[4]),
    ("seen >= '2024-05-01 10:00:00'", NONE, &[1, 2, 4, 7]),
    ("seen between '2024-05-01 00:00:00' and '2024-05-01 10:00:00'", NONE, &[1, 6]),
    ("born is null", NONE, &[3]),
    ("seen < '2024-05-02'", NONE, &[1, 4, 5, 6]),
    ("not (seen < '2024-05-03')", NONE, &[7]),
];

const PARAMETERS: &[Case] = &[
    ("name = :n", r#"{":n":"root"}"#, &[7]),
    ("name = :n", r#"{"n":"root"}"#, &[7]),
    ("age = :a", r#"{":a":18}"#, &[2]),
    ("age in (:a,:b)", r#"{":a":18,":b":"17"}"#, &[2, 3]),
    ("serial = :s", r#"{":s":9007199254740993}"#, &[1]),
    ("name = :n and age = :a", r#"{":n":"root",":a":40}"#, &[7]),
    ("name like :n", r#"{":n":"%smith%"}"#, &[3, 4, 6]),
    ("name starts with :n", r#"{":n":"Smith"}"#, &[4, 6]),
    ("age between :a and :b", r#"{":a":17,":b":18}"#, &[2, 3]),
    // What is bound is a value, whatever it looks like.
    ("note = :n", r#"{":n":"' OR 1=1 --"}"#, &[6]),
    ("note = :n", r#"{":n":"a=b) AND (c"}"#, &[2]),
    ("name = :n", r#"{":n":"x') OR ('1'='1"}"#, &[]),
    ("name = :missing", r#"{":n":"root"}"#, &[]),
];

/// Every filter of the suite that needs no parameters, each once.
pub(crate) fn without_parameters() -> impl Iterator<Item = &'static str> {
    let all = [COMPARISONS, SEARCHES, LOGIC, VALUES, MOMENTS];
    let filters = all.into_iter().flatten().map(|(filter, ..)| *filter);
    filters.filter(|filter| !filter.trim().is_empty())
}

fn tunnelled(service: &str, body: &Json) -> Request {
    let path = format!("/api/v2/{service}/_table/people?fields=id&order=id");
    request("POST", &path).header("X-HTTP-Method", "GET").key(READER).body(body)
}

fn in_query(service: &str, filter: &str) -> Request {
    reading(&format!("{service}/_table/people?fields=id&order=id")).with("filter", filter)
}

fn check(cases: &[Case]) {
    for (filter, params, ids) in cases {
        let rows: Vec<Json> = ids.iter().map(|id| json!({ "id": id })).collect();
        let expected = json!({ "resource": rows }).to_string();
        let params: Json = serde_json::from_str(params).unwrap();
        for service in SERVICES {
            tunnelled(service, &json!({ "filter": filter, "params": params }))
                .send(shared().address)
                .is_ok(&expected);
            if params == json!({}) {
                in_query(service, filter).send(shared().address).is_ok(&expected);
            }
        }
    }
}

#[test]
fn comparisons_find_the_same_rows_in_every_service() {
    check(COMPARISONS);
}

#[test]
fn searches_find_the_same_rows_in_every_service() {
    check(SEARCHES);
}

#[test]
fn logic_finds_the_same_rows_in_every_service() {
    check(LOGIC);
}

#[test]
fn values_find_the_same_rows_in_every_service() {
    check(VALUES);
}

#[test]
fn days_and_times_find_the_same_rows_in_every_service() {
    check(MOMENTS);
}

#[test]
fn parameters_find_the_same_rows_in_every_service() {
    check(PARAMETERS);
}

#[test]
fn an_array_parameter_is_a_whole_list() {
    for service in SERVICES {
        for filter in ["age in (:ages)", "age in :ages"] {
            tunnelled(service, &json!({ "filter": filter, "params": { ":ages": [17, 18] } }))
                .send(shared().address)
                .is_ok(r#"{"resource":[{"id":2},{"id":3}]}"#);
        }
    }
}

#[test]
fn parameters_may_stand_in_the_query_string() {
    for name in ["params[:n]", "params[n]"] {
        in_query("shop", "name = :n")
            .with(name, "root")
            .send(shared().address)
            .is_ok(r#"{"resource":[{"id":7}]}"#);
    }
}

#[test]
fn a_lookup_is_a_bound_value() {
    let seven = r#"{"resource":[{"id":7}]}"#;
    let nothing = r#"{"resource":[]}"#;
    let as_admin = |filter: &str| in_query("shop", filter).token(admin_token()).send(shared().address);
    as_admin("email = {user.email}").is_ok(seven);
    as_admin("email = '{user.email}'").is_ok(seven);
    as_admin("email = {strtolower(trim(user.email))}").is_ok(seven);
    as_admin("id = {user.id}").is_ok(r#"{"resource":[{"id":1}]}"#);
    as_admin("name = {role.name}").is_ok(nothing);
    // What the caller does not have stays text.
    in_query("shop", "note = {user.email}").send(shared().address).is_ok(seven);
    in_query("shop", "note = '{no.such}'").send(shared().address).is_ok(nothing);
    // What a lookup holds can't change the filter.
    let quotes = |filter: &str| in_query("shop", filter).header("X-DreamFactory-API-Key", "");
    for filter in ["name = {app.name}", "name = '{app.name}'", "(name = '{app.name}') and (id > 0)"] {
        quotes(filter).with("api_key", "key-of-quotes").send(shared().address).is_ok(nothing);
    }
    let body = json!({ "filter": "email = :e", "params": { ":e": "{user.email}" } });
    tunnelled("mem", &body).token(admin_token()).send(shared().address).is_ok(seven);
}

#[test]
fn a_filter_that_cannot_be_read_is_refused_with_the_place() {
    let check = |filter: &str, message: &str, position: usize, expected: Option<&str>| {
        for service in SERVICES {
            let mut context = json!({ "parameter": "filter", "position": position });
            if let Some(expected) = expected {
                context["expected"] = expected.into();
            }
            let message = message.replace('"', "&quot;").replace('>', "&gt;");
            in_query(service, filter).send(shared().address).is_error_with(400, &message, &context);
        }
    };
    let field = |name: &str| format!("Invalid or unparsable field in filter request: '{name}'");
    let integer = "Field 'age' must be a valid integer.";
    check("nope = 1", &field("nope"), 0, None);
    check("(age = 1) AND (nope = 1)", &field("nope"), 15, None);
    check("customer.country = 'US'", &field("customer.country"), 0, None);
    check("age = x", integer, 6, None);
    check("age = null", integer, 6, None);
    check("(age = 1) or (age in (1, x))", integer, 25, None);
    check(
        "is_active like '1%'",
        "Field 'is_active' can't be searched by LIKE, CONTAINS, STARTS WITH or ENDS WITH: it holds no text. Compare it by = &lt; > IN or \
         BETWEEN.",
        0,
        None,
    );
    check("is_active = perhaps", "Field 'is_active' must be a valid boolean.", 12, None);
    let unparsable = "Invalid or unparsable filter request.";
    let comparison = Some("a comparison: field, operator, value");
    check("age", unparsable, 0, comparison);
    check("(age = 1", unparsable, 8, Some("AND, OR, NOR, XOR or ')'"));
    check("name regexp 'a'", unparsable, 0, comparison);
    check("age between 5", unparsable, 13, Some("AND and the upper value"));
    check("id in 1,2", "Filter value lists must be wrapped in parentheses.", 6, Some("'('"));
}

#[test]
fn only_permitted_expressions_stand_in_parentheses() {
    for filter in [
        "age > (SELECT 1)",
        "name = (sleep(5))",
        "age > (1; DROP TABLE people)",
        "id in (SELECT id FROM orders)",
    ] {
        let answer = in_query("shop", filter).send(shared().address);
        assert_eq!(answer.status, 400, "{filter}: {}", answer.body);
        let error = &answer.json()["error"];
        assert_eq!(error["context"]["parameter"], "filter", "{filter}");
    }
    in_query("shop", "").with("count_only", true).send(shared().address).is_ok("7");
}

#[test]
fn a_filter_and_its_parameters_have_the_right_kind() {
    let check = |body: Json, parameter: &str, message: &str| {
        let context = json!({ "parameter": parameter, "position": null, "expected": null });
        tunnelled("shop", &body).send(shared().address).is_error_with(400, message, &context);
    };
    check(json!({ "filter": 5 }), "filter", "'filter' must be a text");
    check(json!({ "filter": ["age = 1"] }), "filter", "'filter' must be a text");
    check(
        json!({ "filter": "age = :a", "params": "x" }),
        "params",
        "'params' must be an object such as {&quot;:name&quot;: &quot;value&quot;}",
    );
}

#[test]
fn a_filter_past_its_bounds_is_refused() {
    let refused = |filter: &str| {
        let answer = tunnelled("shop", &json!({ "filter": filter })).send(shared().address);
        assert_eq!(answer.status, 400, "{}", answer.body);
        answer.json()["error"]["message"].as_str().unwrap().to_owned()
    };
    assert!(refused(&format!("name = '{}'", "x".repeat(65_536))).contains("65536"));
    assert!(refused(&format!("{}age = 1{}", "(".repeat(51), ")".repeat(51))).contains("50 levels"));
    let many = vec!["age = 1"; 1001].join(" or ");
    assert!(refused(&many).contains("1000"));
    let nested = format!("{}id = 1", "not ".repeat(50));
    check(&[(Box::leak(nested.into_boxed_str()), NONE, &[1])]);
    assert!(refused(&format!("{}id = 1", "not ".repeat(51))).contains("50 levels"));
}
