//! What is wrong with the configuration, and what it allows that it need not. Judges values, never shows one.

use super::Finding;
use crate::settings::{Problem, Problems, Service, Settings, Written};

const AREA: &str = "configuration";
const ACCESS: &str = "access";
/// Fewer characters, even of base64, hold fewer than 128 bits.
const SHORTEST_KEY: usize = 22;
const SHORTEST_PASSWORD: usize = 12;

/// Every problem that `check` finds.
pub(super) fn problems(written: &Written, problems: Vec<Problem>) -> Vec<Finding> {
    if problems.is_empty() {
        let files: Vec<String> = written.files().iter().map(|file| file.display().to_string()).collect();
        let files = if files.is_empty() { "no file, defaults only".to_owned() } else { files.join(", ") };
        return vec![Finding::ok(AREA, format!("can be used: {files}"))];
    }
    let Problems(problems) = Problems::sorted(problems);
    let findings = problems.into_iter().map(|problem| {
        let what = Problem { remedy: None, ..problem.clone() }.to_string();
        let remedy = problem.remedy.unwrap_or_else(|| "correct the configuration".to_owned());
        Finding::problem(AREA, what, remedy)
    });
    findings.collect()
}

/// Every secret that the configuration stands for or has in it.
pub(super) fn secrets(written: &Written, settings: Option<&Settings>) -> Vec<String> {
    let mut secrets = written.plain_secrets();
    if let Some(settings) = settings {
        let known = settings.services.iter().flat_map(|service| &service.secrets);
        let known = known.chain(settings.apps.iter().map(|app| &app.api_key));
        let known = known.chain(&settings.server.cursor_key).chain(&settings.metrics.token);
        let known = known.chain(settings.admin.as_ref().map(|admin| &admin.password));
        secrets.extend(known.map(|secret| secret.expose().to_owned()));
    }
    secrets
}

/// What is allowed and could hurt.
pub(super) fn cautions(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![administrator(settings)];
    findings.extend(
        settings.roles.iter().filter(|role| role.is_active).flat_map(|role| role_cautions(role, settings)),
    );
    findings.extend(settings.apps.iter().filter(|app| app.is_active).filter_map(|app| {
        let count = app.api_key.expose().chars().count();
        (count < SHORTEST_KEY).then(|| {
            let what = format!("the API key of app '{}' has {count} characters and can be guessed", app.name);
            Finding::warning(ACCESS, what, "make one with `openssl rand -hex 32`")
        })
    }));
    let services = settings.services.iter().filter(|service| service.is_active);
    findings.extend(services.filter(|service| !is_reached(service, settings)).map(|service| {
        let what = format!("nobody but the administrator may use service '{}'", service.name);
        Finding::warning(ACCESS, what, "grant it to a role that an app has, or set `is_active = false`")
    }));
    findings
}

fn administrator(settings: &Settings) -> Finding {
    let Some(admin) = &settings.admin else {
        return Finding::warning(
            ACCESS,
            "no administrator is configured: each start makes a password and prints it",
            "set TABLEGATE_ADMIN_EMAIL and TABLEGATE_ADMIN_PASSWORD",
        );
    };
    if admin.password.expose().chars().count() < SHORTEST_PASSWORD {
        let what = format!("the administrator's password has fewer than {SHORTEST_PASSWORD} characters");
        return Finding::warning(ACCESS, what, "set a longer TABLEGATE_ADMIN_PASSWORD");
    }
    Finding::ok(ACCESS, "the administrator comes from the environment")
}

fn role_cautions(role: &crate::settings::Role, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_served = |name: &str| {
        settings.services.iter().any(|service| service.is_active && service.name.eq_ignore_ascii_case(name))
            || !settings.services.iter().any(|service| service.name.eq_ignore_ascii_case(name))
    };
    if !role.access.iter().any(|access| access.service_name().is_none_or(is_served)) {
        let what = format!("role '{}' grants nothing that is served", role.name);
        findings.push(Finding::warning(ACCESS, what, "give it an [[roles.access]], or remove it"));
    }
    if role.access.iter().any(|access| access.service_name().is_none()) {
        let what = format!(
            "role '{}' has a grant for every service, also for those that are added later",
            role.name
        );
        findings.push(Finding::warning(ACCESS, what, "name the services"));
    }
    findings
}

/// Whether somebody with an app's key may use the service.
fn is_reached(service: &Service, settings: &Settings) -> bool {
    let apps = settings.apps.iter().filter(|app| app.is_active);
    let mut roles = apps.filter_map(|app| {
        settings.roles.iter().find(|role| role.is_active && role.name.eq_ignore_ascii_case(&app.role))
    });
    roles.any(|role| {
        let mut grants = role.access.iter().map(|access| access.service_name());
        grants.any(|name| name.is_none_or(|name| name.eq_ignore_ascii_case(&service.name)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::{App, Role};

    fn settings(roles: serde_json::Value, apps: serde_json::Value) -> Settings {
        let services =
            json!([{"name": "shop", "type": "any"}, {"name": "off", "type": "any", "is_active": false}]);
        Settings {
            services: serde_json::from_value(services).unwrap(),
            roles: serde_json::from_value::<Vec<Role>>(roles).unwrap(),
            apps: serde_json::from_value::<Vec<App>>(apps).unwrap(),
            ..Settings::default()
        }
    }

    fn check(settings: &Settings, expected: &[&str]) {
        let told: Vec<String> = cautions(settings).into_iter().map(|finding| finding.what).collect();
        let told: Vec<&String> = told.iter().filter(|what| !what.contains("administrator is")).collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, part) in told.iter().zip(expected) {
            assert!(told.contains(part), "{told}");
        }
    }

    fn app(key: &str) -> serde_json::Value {
        json!([{"name": "a", "role": "R", "api_key": key}])
    }

    #[test]
    fn what_is_granted_exactly_and_with_a_long_key_is_right() {
        let roles =
            json!([{"name": "r", "access": [{"service": "Shop", "component": "*", "verbs": ["GET"]}]}]);
        check(&settings(roles, app("0123456789012345678901")), &[]);
    }

    #[test]
    fn a_short_key_a_grant_of_everything_and_a_role_of_nothing_are_warned_of() {
        let roles = json!([
            {"name": "r", "access": [{"service": "*", "component": "*", "verbs": ["GET"]}]},
            {"name": "none", "access": [{"service": "off", "component": "*", "verbs": ["GET"]}]},
        ]);
        let expected = ["'r' has a grant for every service", "'none' grants nothing", "'a' has 5 characters"];
        check(&settings(roles, app("short")), &expected);
    }

    #[test]
    fn a_service_that_no_key_reaches_is_warned_of() {
        check(&settings(json!([]), json!([])), &["use service 'shop'"]);
    }
}
