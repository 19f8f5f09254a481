//! The decision over one request, in the order that clients know. The matching of paths stands in `role.rs`.

use super::role::normalise;
use super::{Caller, Denial, Role, Verb, VerbMask};

/// Why a request may proceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The caller is an administrator; no row rules apply.
    Administrator,
    /// The route is open to everybody.
    OpenRoute,
    /// The caller's role permits it; its row rules apply.
    Role,
}

/// A route that needs no permission. Data, so that a feature that brings such a route adds a row here.
struct OpenRoute {
    service: &'static str,
    component: &'static str,
    verbs: VerbMask,
}

const OPEN_ROUTES: &[OpenRoute] =
    &[OpenRoute { service: "system", component: "admin/session", verbs: VerbMask::ALL }];

/// Decides whether `verb` on `component` (the path inside the service, empty for its root) is permitted.
///
/// # Errors
/// The first [`Denial`] that fits: no credentials, no role (by key missing, key unknown, token missing, none assigned),
/// role inactive, role denies.
pub fn decide(caller: &Caller, service: &str, component: &str, verb: Verb) -> Result<Grant, Denial> {
    if caller.is_admin {
        return Ok(Grant::Administrator);
    }
    if is_open(service, component, verb) {
        return Ok(Grant::OpenRoute);
    }
    if access_verbs(caller, service, component).contains(verb) {
        return Ok(Grant::Role);
    }
    Err(denial(caller, service, component, verb))
}

/// Decides whether a request may go on whose parts are decided one by one. It grants nothing: whoever may touch nothing of the service is
/// denied, and everybody else hears of each part.
///
/// # Errors
/// As [`decide`].
pub fn decide_by_parts(caller: &Caller, service: &str, component: &str, verb: Verb) -> Result<(), Denial> {
    if may_touch(caller, service) { Ok(()) } else { Err(denial(caller, service, component, verb)) }
}

/// The verbs that the caller may use on a component: the `access` column of lists.
pub fn access_verbs(caller: &Caller, service: &str, component: &str) -> VerbMask {
    if caller.is_admin {
        return VerbMask::ALL;
    }
    let role = caller.role.as_deref();
    role.map_or(VerbMask::NONE, |role| role.permissions(service, component, caller.requestor))
}

/// Whether the service is shown to the caller by discovery: any entry for it, or for all services, grants a verb.
pub fn may_touch(caller: &Caller, service: &str) -> bool {
    caller.is_admin || caller.role.as_deref().is_some_and(|role| role.touches(service, caller.requestor))
}

fn is_open(service: &str, component: &str, verb: Verb) -> bool {
    let matches = |route: &OpenRoute| {
        route.verbs.contains(verb)
            && route.service.eq_ignore_ascii_case(service)
            && normalise(component) == route.component
    };
    OPEN_ROUTES.iter().any(matches)
}

fn denial(caller: &Caller, service: &str, component: &str, verb: Verb) -> Denial {
    if !caller.is_key_given && !caller.is_token_given {
        return Denial::NoCredentials;
    }
    match caller.role.as_deref() {
        None => denial_without_role(caller),
        Some(role) => denial_by_role(caller, role, (service, component, verb)),
    }
}

fn denial_without_role(caller: &Caller) -> Denial {
    if !caller.is_key_given {
        Denial::NoApiKey
    } else if caller.app.is_none() {
        Denial::UnknownApiKey
    } else if !caller.is_token_given {
        Denial::NoSessionToken
    } else {
        Denial::RoleNotFound
    }
}

fn denial_by_role(caller: &Caller, role: &Role, (service, component, verb): (&str, &str, Verb)) -> Denial {
    if !role.is_active() {
        return Denial::RoleInactive;
    }
    if caller.user.is_none() {
        return Denial::NotAuthenticated;
    }
    let service = service.to_owned();
    match component.trim_matches('/') {
        "" => Denial::ServiceForbidden { verb, service },
        component => Denial::ComponentForbidden { verb, component: component.to_owned(), service },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::roles::{Access, App, RequestorMask, User};

    fn role(is_active: bool) -> Arc<Role> {
        let verbs = VerbMask::from(Verb::Get);
        let entry = |service: &str, verbs| Access {
            service: Some(service.to_owned()),
            component: "_table/orders/*".to_owned(),
            verbs,
            requestors: RequestorMask::API,
            ..Access::default()
        };
        Arc::new(Role::new(
            4,
            "reader",
            is_active,
            vec![entry("Shop", verbs), entry("empty", VerbMask::NONE)],
        ))
    }

    fn with_role(is_active: bool) -> Caller {
        let role = role(is_active);
        let app = App { id: 1, name: "web".to_owned(), is_active: true, role: Some(Arc::clone(&role)) };
        Caller { app: Some(Arc::new(app)), role: Some(role), is_key_given: true, ..Caller::default() }
    }

    fn user() -> Option<Arc<User>> {
        Some(Arc::new(User {
            id: 1,
            email: "u@x.io".to_owned(),
            name: "u".to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            is_sys_admin: true,
        }))
    }

    #[test]
    fn each_caller_is_decided_in_the_order_of_the_table() {
        let without_role =
            |is_key_given, is_token_given| Caller { is_key_given, is_token_given, ..Caller::default() };
        let roleless = App { id: 1, name: "web".to_owned(), is_active: true, role: None };
        let roleless = Caller { app: Some(Arc::new(roleless)), ..without_role(true, false) };
        let admin = Caller { is_admin: true, user: user(), is_token_given: true, ..Caller::default() };
        let person = Caller { user: user(), is_token_given: true, ..with_role(true) };
        let forbidden = Denial::ComponentForbidden {
            verb: Verb::Delete,
            component: "_table/orders".to_owned(),
            service: "shop".to_owned(),
        };
        for (caller, verb, expected) in [
            (admin, Verb::Delete, Ok(Grant::Administrator)),
            (with_role(true), Verb::Get, Ok(Grant::Role)),
            (without_role(false, false), Verb::Get, Err(Denial::NoCredentials)),
            (without_role(false, true), Verb::Get, Err(Denial::NoApiKey)),
            (without_role(true, false), Verb::Get, Err(Denial::UnknownApiKey)),
            (without_role(true, true), Verb::Get, Err(Denial::UnknownApiKey)),
            (roleless.clone(), Verb::Get, Err(Denial::NoSessionToken)),
            (Caller { is_token_given: true, ..roleless }, Verb::Get, Err(Denial::RoleNotFound)),
            (with_role(false), Verb::Get, Err(Denial::RoleInactive)),
            (with_role(true), Verb::Delete, Err(Denial::NotAuthenticated)),
            (person, Verb::Delete, Err(forbidden)),
        ] {
            assert_eq!(decide(&caller, "shop", "_table/orders", verb), expected, "{caller:?}");
        }
    }

    #[test]
    fn denied_root_names_the_service_only() {
        let person = Caller { user: user(), is_token_given: true, ..with_role(true) };
        for root in ["", "/"] {
            let denial = decide(&person, "shop", root, Verb::Get).unwrap_err();
            assert_eq!(denial, Denial::ServiceForbidden { verb: Verb::Get, service: "shop".to_owned() });
        }
    }

    #[test]
    fn only_the_session_route_is_open() {
        fn check(service: &str, component: &str, expected: bool) {
            let decision = decide(&Caller::default(), service, component, Verb::Post);
            assert_eq!(decision == Ok(Grant::OpenRoute), expected, "{service} {component}");
        }
        check("system", "admin/session", true);
        check("System", "/Admin/Session/", true);
        check("system", "admin/session/1", false);
        check("system", "admin/sessions", false);
        check("system", "x/admin/session", false);
        check("system", "admin", false);
        check("shop", "admin/session", false);
        check("system", "", false);
    }

    #[test]
    fn discovery_shows_what_the_role_touches() {
        let admin = Caller { is_admin: true, ..Caller::default() };
        let script = Caller { requestor: crate::roles::Requestor::Script, ..with_role(true) };
        for (caller, service, expected) in [
            (&admin, "any", true),
            (&with_role(true), "shop", true),
            (&with_role(true), "SHOP", true),
            (&with_role(true), "other", false),
            (&with_role(true), "empty", false),
            (&with_role(false), "shop", false),
            (&script, "shop", false),
            (&Caller::default(), "shop", false),
        ] {
            assert_eq!(may_touch(caller, service), expected, "{service} {caller:?}");
        }
    }

    #[test]
    fn a_request_in_parts_is_denied_to_those_who_may_touch_nothing() {
        let admin = Caller { is_admin: true, ..Caller::default() };
        let check = |caller: &Caller, service: &str, expected| {
            let decision = decide_by_parts(caller, service, "_batch", Verb::Post);
            assert_eq!(decision, expected, "{service} {caller:?}");
        };
        check(&admin, "any", Ok(()));
        check(&with_role(true), "shop", Ok(()));
        check(&with_role(true), "empty", Err(Denial::NotAuthenticated));
        check(&with_role(false), "shop", Err(Denial::RoleInactive));
        check(&Caller::default(), "shop", Err(Denial::NoCredentials));
    }

    #[test]
    fn access_column_is_everything_for_administrators() {
        let admin = Caller { is_admin: true, ..Caller::default() };
        assert_eq!(access_verbs(&admin, "shop", "_table"), VerbMask::ALL);
        assert_eq!(
            access_verbs(&with_role(true), "shop", "_table/orders").words().collect::<Vec<_>>(),
            ["GET"]
        );
        assert_eq!(access_verbs(&with_role(true), "shop", "_table"), VerbMask::NONE);
    }
}
