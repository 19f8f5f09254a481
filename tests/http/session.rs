//! Sessions of administrators: login, reading, refresh, logout.

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, get, request};
use crate::gateway::ADMIN;
use crate::shop::{READER, log_in, shared};

const SESSION: &str = "/api/v2/system/admin/session";
const BLACKLISTED: &str = "The token has been blacklisted: Session terminated. Please re-login.";

fn send(request: &Request) -> Answer {
    request.send(shared().address)
}

fn login(email: &str, password: &str) -> Request {
    request("POST", SESSION).body(json!({ "email": email, "password": password }))
}

fn token_of(session: &Json) -> String {
    session["session_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_login_answers_with_the_session() {
    let session = send(&login(ADMIN.0, ADMIN.1)).json();
    let names: Vec<&str> = session.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "session_token",
            "session_id",
            "id",
            "name",
            "first_name",
            "last_name",
            "email",
            "is_sys_admin",
            "last_login_date",
            "host",
            "token_expiry_date",
        ]
    );
    assert_eq!(session["session_token"], session["session_id"]);
    let person =
        ["id", "name", "first_name", "last_name", "email", "is_sys_admin"].map(|name| session[name].clone());
    assert_eq!(Json::from(person.to_vec()), json!([1, "root", "root", "", "root@example.com", true]));
    for date in ["last_login_date", "token_expiry_date"] {
        let date = session[date].as_str().unwrap();
        let form: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(form, "0000-00-00 00:00:00", "{date}");
    }
}

#[test]
fn a_session_names_the_role_of_the_key_beside_it() {
    let session = send(&login(ADMIN.0, ADMIN.1).key(READER)).json();
    assert_eq!((&session["role"], &session["role_id"]), (&json!("reader"), &json!(1)));
    let read = send(&get(SESSION).token(&token_of(&session)).key(READER)).json();
    assert_eq!(read, session);
}

#[test]
fn a_login_that_is_wrong_or_lacks_something_is_refused() {
    let message = "Invalid credentials supplied.";
    send(&login(ADMIN.0, "wrong")).is_error(401, message);
    send(&login("other@example.com", ADMIN.1)).is_error(401, message);
    let check = |body: Json, message: &str| send(&request("POST", SESSION).body(body)).is_error(400, message);
    check(json!({ "password": "x" }), "Login request is missing required email.");
    check(json!({ "email": "", "password": "x" }), "Login request is missing required email.");
    check(json!({ "email": "x" }), "Login request is missing required password.");
    check(json!({ "email": "x", "password": 5 }), "Login request is missing required password.");
    send(&request("POST", SESSION)).is_error(400, "Login request is missing required email.");
}

#[test]
fn a_token_reads_its_own_session() {
    let session = send(&login(ADMIN.0, ADMIN.1));
    send(&get(SESSION).token(&token_of(&session.json()))).is_ok(&session.body);
    let message = "There is no valid session for the current request.";
    send(&get(SESSION)).is_error(401, message);
    send(&request("DELETE", SESSION)).is_error(401, message);
    send(&get(SESSION).token("garbage"))
        .is_error(401, "Invalid token: It belongs to no session of this server. Please re-login.");
}

#[test]
fn a_refresh_gives_a_new_token_and_ends_the_old_one() {
    let first = log_in(shared());
    let second = token_of(&send(&request("PUT", SESSION).token(&first)).json());
    assert_ne!(first, second);
    send(&get(SESSION).token(&first)).is_error(403, BLACKLISTED);
    send(&get("/api/v2/shop").token(&first)).is_error(403, BLACKLISTED);
    assert_eq!(send(&get(SESSION).token(&second)).status, 200);
    let again = send(&request("PUT", SESSION).token(&first));
    assert_eq!(again.status, 401);
    let message = again.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Token refresh failed. ") && message.len() > 22, "{message}");
}

#[test]
fn a_logout_ends_the_token_and_leaves_others_alone() {
    let (first, second) = (log_in(shared()), log_in(shared()));
    send(&request("DELETE", SESSION).token(&first)).is_ok(r#"{"success":true}"#);
    send(&get(SESSION).token(&first)).is_error(403, BLACKLISTED);
    assert_eq!(send(&get(SESSION).token(&second)).status, 200);
    let again = login(ADMIN.0, ADMIN.1).token(&first);
    assert_eq!(send(&again).status, 200, "a login looks at no token");
}

#[test]
fn only_its_verbs_are_supported() {
    let message =
        "PATCH requests without a resource are not currently supported by the 'admin/session' service.";
    send(&request("PATCH", SESSION).token(&log_in(shared()))).is_error(400, message);
}
