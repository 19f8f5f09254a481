//! The room as a whole: who calls, what the failure matrix answers, and the life of a session.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::roles::{Access, Denial, Grant, RequestorMask, Role, Verb, VerbMask, decide};

const EMAIL: &str = "Ada@x.io";
const PASSWORD: &str = "correct horse battery";

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_557_600 + seconds)
}

fn accounts() -> Arc<Accounts> {
    Arc::new(Accounts::new(EMAIL, Some(PASSWORD), "web-1").unwrap().0)
}

fn state(accounts: Arc<Accounts>) -> State {
    let role = |id, name: &str, is_active| {
        let access = Access {
            service: Some("shop".to_owned()),
            component: "_table/orders/*".to_owned(),
            verbs: VerbMask::from(Verb::Get),
            requestors: RequestorMask::API,
            ..Access::default()
        };
        Role::new(id, name, is_active, vec![access])
    };
    let app = |id, is_active, role: Option<&str>, key: &str| AppDefinition {
        id,
        name: format!("app {id}"),
        is_active,
        role: role.map(str::to_owned),
        api_key: key.to_owned(),
    };
    let apps = vec![
        app(1, true, Some("reader"), "reader-key"),
        app(2, true, Some("sleeper"), "sleeper-key"),
        app(3, true, None, "bare-key"),
        app(4, false, Some("reader"), "off-key"),
    ];
    State::new(vec![role(4, "reader", true), role(5, "sleeper", false)], apps, accounts).unwrap()
}

fn login() -> Login<'static> {
    Login { email: Some(EMAIL), password: Some(PASSWORD) }
}

/// A request of the matrix: its API key and its `Authorization` header, empty for none.
struct Request<'a> {
    key: &'a str,
    authorization: &'a str,
    verb: Verb,
    target: (&'a str, &'a str),
}

async fn ask(request: &Request<'_>, state: &State, now: SystemTime) -> Result<Grant, Denial> {
    let find = |name: &str| match name {
        "Authorization" => Some(request.authorization),
        "X-DreamFactory-API-Key" => Some(request.key),
        _ => None,
    };
    let credentials = Credentials::extract(&Sources {
        verb: request.verb,
        target: request.target,
        header: &find,
        query: &|_| None,
        body: None,
    });
    let caller = authenticate(&credentials, state, now).await?;
    decide(&caller, request.target.0, request.target.1, request.verb)
}

fn basic(email: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{email}:{password}")))
}

const EXPIRED: &str = "Token has expired: Session expired. Please refresh your token (if still within refresh window) or re-login.";
const BLACKLISTED: &str = "The token has been blacklisted: Session terminated. Please re-login.";
const INVALID: &str = "Invalid token: It belongs to no session of this server. Please re-login.";
const WRONG_BASIC: &str = "Unauthorized. User credentials did not match.";
const NOTHING: &str = "No session token (JWT) or API Key detected in request. Please send in X-DreamFactory-Session-Token and/or X-DreamFactory-API-Key request header. You can also use URL query parameters session_token and/or api_key.";
const UNKNOWN_KEY: &str = "Unknown API Key. Please provide a valid API Key using X-DreamFactory-API-Key request header or 'api_key' url query parameter.";
const NO_TOKEN: &str = "No session token (JWT) provided. Please provide a valid JWT using X-DreamFactory-Session-Token request header or 'session_token' url query parameter.";
const ROLE_OFF: &str = "Access Forbidden. The role assigned to you or your application or the default role of your application is not active.";
const NO_USER: &str = "Unauthorized. User is not authenticated.";

/// API key, `Authorization`, verb, target, and what comes of them.
type Row<'a> = (&'a str, &'a str, Verb, (&'a str, &'a str), Result<Grant, &'a str>);

#[tokio::test]
async fn failure_matrix_holds_row_by_row() {
    let accounts = accounts();
    let old = accounts.login(login(), None, at(0)).await.unwrap().session_token;
    let ended = accounts.login(login(), None, at(86_400)).await.unwrap().session_token;
    accounts.logout(Some(&ended), at(86_400)).unwrap();
    let good = accounts.login(login(), None, at(86_400)).await.unwrap().session_token;
    let state = state(accounts);
    let [old, ended, good] = [old, ended, good].map(|token| format!("Bearer {token}"));
    let (right, wrong) = (basic("ADA@x.io", PASSWORD), basic(EMAIL, "wrong"));
    let unknown = basic("bob@x.io", PASSWORD);
    let orders = ("shop", "_table/orders");
    let session = ("system", "admin/session");
    let (get, delete, post, put) = (Verb::Get, Verb::Delete, Verb::Post, Verb::Put);
    let rows: Vec<Row<'_>> = vec![
        ("reader-key", &old, get, orders, Err(EXPIRED)),
        ("reader-key", &ended, get, orders, Err(BLACKLISTED)),
        ("reader-key", "Bearer x.y.z", get, orders, Err(INVALID)),
        ("reader-key", &wrong, get, orders, Err(WRONG_BASIC)),
        ("reader-key", &unknown, get, orders, Err(WRONG_BASIC)),
        ("reader-key", "Basic ???", get, orders, Err(WRONG_BASIC)),
        ("off-key", "", get, orders, Err("App is not active.")),
        ("off-key", &good, get, orders, Err("App is not active.")),
        ("reader-key", "", get, orders, Ok(Grant::Role)),
        ("", &good, delete, orders, Ok(Grant::Administrator)),
        ("", &right, delete, ("shop", ""), Ok(Grant::Administrator)),
        ("unknown", &good, get, orders, Ok(Grant::Administrator)),
        ("", "", get, orders, Err(NOTHING)),
        ("unknown", "", get, orders, Err(UNKNOWN_KEY)),
        ("bare-key", "", get, orders, Err(NO_TOKEN)),
        ("sleeper-key", "", get, orders, Err(ROLE_OFF)),
        ("reader-key", "", delete, orders, Err(NO_USER)),
        ("reader-key", "", get, ("shop", ""), Err(NO_USER)),
        ("", "", post, session, Ok(Grant::OpenRoute)),
        ("unknown", &old, post, session, Ok(Grant::OpenRoute)),
        ("", &old, put, session, Ok(Grant::OpenRoute)),
        ("", &old, get, session, Err(EXPIRED)),
        ("", &ended, delete, session, Err(BLACKLISTED)),
    ];
    for (key, authorization, verb, target, expected) in rows {
        let answer = ask(&Request { key, authorization, verb, target }, &state, at(86_400)).await;
        let answer = answer.map_err(|denial| denial.to_string());
        assert_eq!(answer, expected.map_err(str::to_owned), "{verb} {target:?}, key '{key}'");
    }
}

/// The rows of the matrix that need a user with a role, whom only a store of users will bring.
#[test]
fn failure_matrix_holds_for_users_with_roles() {
    let role = Arc::new(Role::new(4, "reader", true, Vec::new()));
    let app = |role| Some(Arc::new(App { id: 1, name: "web".to_owned(), is_active: true, role }));
    let user = User {
        id: 3,
        email: "u@x.io".to_owned(),
        name: "u".to_owned(),
        first_name: String::new(),
        last_name: String::new(),
        is_sys_admin: false,
    };
    let keyless = Caller { user: Some(Arc::new(user)), is_token_given: true, ..Caller::default() };
    let roleless = Caller { app: app(None), is_key_given: true, ..keyless.clone() };
    let reader = Caller { app: app(Some(Arc::clone(&role))), role: Some(role), ..roleless.clone() };
    let no_key = "No API Key provided. Please provide a valid API Key using X-DreamFactory-API-Key request header or 'api_key' url query parameter.";
    for (caller, component, expected) in [
        (&keyless, "_table/orders", no_key),
        (
            &roleless,
            "_table/orders",
            "Role not found. A role may not be assigned to you or your application.",
        ),
        (
            &reader,
            "_table/orders",
            "Access Forbidden. GET access to component '_table/orders' of service 'shop' is not allowed by this user's role.",
        ),
        (&reader, "", "Access Forbidden. GET access to service 'shop' is not allowed by this user's role."),
    ] {
        assert_eq!(decide(caller, "shop", component, Verb::Get).unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn session_object_has_the_keys_of_the_wire_in_order() {
    let accounts = accounts();
    let role = Role::new(4, "reader", true, Vec::new());
    let with_role = accounts.login(login(), Some(&role), at(0)).await.unwrap();
    let token = &with_role.session_token;
    let expected = format!(
        r#"{{"session_token":"{token}","session_id":"{token}","id":1,"name":"ada","first_name":"ada","last_name":"","email":"ada@x.io","is_sys_admin":true,"last_login_date":"2024-05-01 10:00:00","host":"web-1","token_expiry_date":"2024-05-02 10:00:00","role":"reader","role_id":4}}"#
    );
    assert_eq!(serde_json::to_string(&with_role).unwrap(), expected);
    let without = serde_json::to_string(&accounts.read(Some(token), None, at(5)).unwrap()).unwrap();
    assert_eq!(without, expected.replace(r#","role":"reader","role_id":4"#, ""));
}

#[tokio::test]
async fn session_lives_from_login_through_refresh_to_logout() {
    let accounts = accounts();
    let first = accounts.login(login(), None, at(0)).await.unwrap().session_token;
    let second = accounts.refresh(Some(&first), None, at(10)).unwrap();
    assert_eq!(second.token_expiry_date, "2024-05-02 10:00:10");
    assert_eq!(second.last_login_date, "2024-05-01 10:00:00");
    assert_eq!(accounts.read(Some(&first), None, at(11)), Err(SessionError::NoSession));
    assert_eq!(accounts.read(Some(&second.session_token), None, at(11)).unwrap(), second);
    assert_eq!(accounts.logout(Some(&second.session_token), at(12)), Ok(()));
    assert_eq!(accounts.logout(Some(&second.session_token), at(13)), Err(SessionError::NoSession));
    assert_eq!(accounts.read(None, None, at(13)), Err(SessionError::NoSession));
}

#[tokio::test]
async fn failed_session_operations_say_why() {
    let accounts = accounts();
    let login = async |email, password| accounts.login(Login { email, password }, None, at(0)).await;
    let expect = |answer: Result<Session, SessionError>, text: &str| {
        assert_eq!(answer.unwrap_err().to_string(), text);
    };
    expect(login(None, Some("x")).await, "Login request is missing required email.");
    expect(login(Some(""), None).await, "Login request is missing required email.");
    expect(login(Some(EMAIL), None).await, "Login request is missing required password.");
    expect(login(Some(EMAIL), Some("wrong")).await, "Invalid credentials supplied.");
    expect(login(Some("bob@x.io"), Some(PASSWORD)).await, "Invalid credentials supplied.");
    expect(accounts.read(None, None, at(0)), "There is no valid session for the current request.");
    expect(
        accounts.refresh(Some("x"), None, at(0)),
        "Token refresh failed. The token belongs to no session. Please re-login.",
    );
    expect(accounts.refresh(None, None, at(0)), "Token refresh failed. No token was sent.");
}

#[tokio::test]
async fn reload_ends_no_session() {
    let accounts = accounts();
    let before = state(Arc::clone(&accounts));
    let token = before.accounts().login(login(), None, at(0)).await.unwrap().session_token;
    let after = state(accounts);
    let authorization = &format!("Bearer {token}");
    let request = Request { key: "", authorization, verb: Verb::Delete, target: ("shop", "") };
    assert_eq!(ask(&request, &after, at(1)).await, Ok(Grant::Administrator));
}

#[tokio::test]
async fn ten_wrong_logins_close_the_address_for_every_kind_of_login() {
    let accounts = accounts();
    for _ in 0..10 {
        let wrong = Login { email: Some("ADA@X.IO"), password: Some("wrong") };
        assert_eq!(accounts.login(wrong, None, at(0)).await, Err(SessionError::InvalidCredentials));
    }
    let refused = Err(SessionError::Throttled { retry_after: Duration::from_secs(30) });
    assert_eq!(accounts.login(login(), None, at(30)).await, refused, "the right password too");
    let state = state(Arc::clone(&accounts));
    let authorization = &basic(EMAIL, PASSWORD);
    let request = Request { key: "", authorization, verb: Verb::Get, target: ("shop", "") };
    let denial = ask(&request, &state, at(30)).await.unwrap_err();
    assert_eq!(
        denial.to_string(),
        "Too many failed logins for this e-mail address. Please retry in 30 seconds."
    );
    assert!(accounts.login(login(), None, at(60)).await.is_ok());
}

#[tokio::test]
async fn throttle_closes_the_cache_of_verified_logins_too() {
    let accounts = accounts();
    accounts.login(login(), None, at(0)).await.unwrap();
    for _ in 0..10 {
        let wrong = Login { email: Some(EMAIL), password: Some("wrong") };
        assert!(accounts.login(wrong, None, at(1)).await.is_err());
    }
    let answer = accounts.login(login(), None, at(2)).await;
    assert_eq!(answer, Err(SessionError::Throttled { retry_after: Duration::from_secs(59) }));
}

#[tokio::test]
async fn many_basic_requests_at_once_are_all_answered() {
    let state = Arc::new(state(accounts()));
    let requests: Vec<_> = (0..64)
        .map(|_| {
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                let authorization = &basic(EMAIL, PASSWORD);
                let find = |name: &str| (name == "Authorization").then_some(authorization.as_str());
                let credentials = Credentials::extract(&Sources {
                    verb: Verb::Get,
                    target: ("shop", ""),
                    header: &find,
                    query: &|_| None,
                    body: None,
                });
                authenticate(&credentials, &state, at(0)).await.map(|caller| caller.is_admin)
            })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), Ok(true));
    }
}

#[tokio::test]
async fn generated_password_logs_in() {
    let (accounts, generated) = Accounts::new("admin@localhost", None, "h").unwrap();
    let generated = generated.unwrap();
    let login = Login { email: Some("admin@localhost"), password: Some(generated.reveal()) };
    assert!(accounts.login(login, None, at(0)).await.is_ok());
    assert!(Accounts::new("a@x.io", Some("p"), "h").unwrap().1.is_none());
}

#[test]
fn empty_administrator_is_refused() {
    assert_eq!(Accounts::new(" ", Some("p"), "h").unwrap_err(), SetupError::EmptyEmail);
    assert_eq!(Accounts::new("a@x.io", Some(""), "h").unwrap_err(), SetupError::EmptyPassword);
}

#[tokio::test]
async fn passwords_and_tokens_are_never_shown() {
    let accounts = accounts();
    let session = accounts.login(login(), None, at(0)).await.unwrap();
    let shown = format!("{accounts:?} {session:?} {:?} {:?}", login(), state(Arc::clone(&accounts)));
    for secret in [PASSWORD, &session.session_token, "reader-key"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}
