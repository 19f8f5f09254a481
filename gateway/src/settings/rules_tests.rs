//! Tests of the rules that settings have to keep beside each other.

use super::super::tests::{Files, ROLE, check};

#[test]
fn a_grant_for_every_service_that_grants_nothing_is_refused() {
    let role = |component: &str| {
        format!("{ROLE}access = [{{ service = \"*\", component = \"{component}\", verbs = [\"GET\"] }}]")
    };
    check(
        &role("_table/*"),
        &[
            "gateway.toml:3: a grant for every service has the component \"*\" or \"\", so `_table/*` grants nothing; \
           write a grant for each service, or the component \"*\"",
        ],
    );
    for component in ["", "*"] {
        assert!(Files::new(&role(component)).load().is_ok(), "{component}");
    }
}

#[test]
fn a_grant_of_what_no_service_has_is_refused() {
    let role = |component: &str| {
        format!(
            "[[services]]\nname = \"shop\"\ntype = \"t\"\n\
             {ROLE}access = [{{ service = \"shop\", component = \"{component}\", verbs = [\"GET\"] }}]"
        )
    };
    check(
        &role("_tabel/*"),
        &[
            "gateway.toml:6: no resource of a service is called `_tabel`, so `_tabel/*` grants nothing; did you mean `_table`?",
        ],
    );
    check(
        &role("_tabel*"),
        &[
            "gateway.toml:6: no resource of a service begins with `_tabel`, so `_tabel*` grants nothing; did you mean `_table`?",
        ],
    );
    for component in [
        "",
        "/",
        "*",
        "_schema/",
        "/_table/orders/*",
        "_PROC/*",
        "_func",
        "_batch",
        "_table*",
        "_T*",
        "_table/t_*/",
    ] {
        assert!(Files::new(&role(component)).load().is_ok(), "{component}");
    }
}

#[test]
fn text_behind_a_star_is_refused_for_it_does_not_count() {
    for (component, granted) in [
        ("*/flights", "*"),
        ("_table/*/x", "_table/*"),
        ("_table/*_public", "_table/*"),
        ("/_table/t_*_public/*", "_table/t_*"),
        ("_table*/flights", "_table*"),
        ("**", "*"),
    ] {
        let config = format!(
            "[[services]]\nname = \"shop\"\ntype = \"t\"\n\
             {ROLE}access = [{{ service = \"shop\", component = \"{component}\", verbs = [\"GET\"] }}]"
        );
        check(
            &config,
            &[&format!(
                "gateway.toml:6: what stands behind `*` does not count: `{component}` grants all of `{granted}`; \
                 write `{granted}` if that is meant, else a grant for each name"
            )],
        );
    }
}

#[test]
fn of_services_that_are_no_databases_it_is_not_known_what_they_have() {
    for service in ["system", "System", "user", "API_DOCS"] {
        let config = format!(
            "{ROLE}access = [{{ service = \"{service}\", component = \"environment/*\", verbs = [\"GET\"] }}]"
        );
        assert!(Files::new(&config).load().is_ok(), "{service}");
    }
}

#[test]
fn settings_of_a_process_need_one() {
    let problems = |isolation: &str| {
        let config =
            format!("[plugins.connectors.other]\nisolation = \"{isolation}\"\nmemory_limit = \"1GiB\"\n");
        Files::new(&config).load().map(drop).map_err(|problems| problems.to_string())
    };
    assert_eq!(problems("process"), Ok(()));
    let refused = "gateway.toml:3: `memory_limit` of [plugins.connectors.other] means nothing inside the gateway; \
                   add `isolation = \"process\"`, or take it away";
    assert!(problems("none").unwrap_err().contains(refused));
}
