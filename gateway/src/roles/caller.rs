//! The caller as plain data: application, user, role. How a caller proves to be one stands in `auth`.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Role;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Requestor {
    /// From outside, over HTTP.
    #[default]
    Api,
    /// From an event script inside the gateway.
    Script,
}

/// An application, known by its API key. The key itself is not kept.
#[derive(Debug)]
pub struct App {
    /// Number on the wire.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// An inactive application is refused.
    pub is_active: bool,
    /// The role of a caller that sends this application's key; `None`: the key alone grants nothing.
    pub role: Option<Arc<Role>>,
}

/// A person who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Number on the wire.
    pub id: i64,
    /// Lower-cased address, unique.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Given name, may be empty.
    pub first_name: String,
    /// Family name, may be empty.
    pub last_name: String,
    /// Whether the user is an administrator; what that permits is [`Caller::is_admin`].
    pub is_sys_admin: bool,
}

/// Who calls, and with what. Cheap to clone. The default is an anonymous caller from outside.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The application of the API key; `None` without a key and for an unknown one.
    pub app: Option<Arc<App>>,
    /// The user of the token or basic login.
    pub user: Option<Arc<User>>,
    /// The role that counts for this request.
    pub role: Option<Arc<Role>>,
    /// Whether everything is permitted. An administrator to whom roles are assigned is not one in this sense.
    pub is_admin: bool,
    /// Where the request comes from.
    pub requestor: Requestor,
    /// Whether an API key was sent, known or not.
    pub is_key_given: bool,
    /// Whether a session token or a basic login was sent.
    pub is_token_given: bool,
}

impl Caller {
    /// The value that a lookup `{name}` stands for; names are lower case.
    /// `None` for an unknown name and for a part that this caller lacks: a row rule that needs the value must then
    /// match nothing. Secrets (`app.api_key`, `session.id`, `session.token`) are deliberately no lookups.
    pub fn lookup(&self, name: &str) -> Option<Cow<'_, str>> {
        let (scope, field) = name.split_once('.')?;
        match scope {
            "user" => self.user.as_deref()?.lookup(field),
            "role" => pair(field, self.role.as_deref().map(|role| (role.id(), role.name()))?),
            "app" => pair(field, self.app.as_deref().map(|app| (app.id, app.name.as_str()))?),
            _ => None,
        }
    }
}

impl User {
    fn lookup(&self, field: &str) -> Option<Cow<'_, str>> {
        match field {
            "first_name" => Some(Cow::Borrowed(&self.first_name)),
            "last_name" => Some(Cow::Borrowed(&self.last_name)),
            "email" => Some(Cow::Borrowed(&self.email)),
            "display_name" => Some(Cow::Borrowed(&self.name)),
            // `is_admin` is what DreamFactory's manual says, `is_sys_admin` what its server understands.
            "is_sys_admin" | "is_admin" => {
                Some(Cow::Borrowed(if self.is_sys_admin { "true" } else { "false" }))
            }
            _ => pair(field, (self.id, &self.name)),
        }
    }
}

fn pair<'a>(field: &str, (id, name): (i64, &'a str)) -> Option<Cow<'a, str>> {
    match field {
        "id" => Some(Cow::Owned(id.to_string())),
        "name" => Some(Cow::Borrowed(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller {
        let role = Arc::new(Role::new(4, "reader", true, Vec::new()));
        let user = User {
            id: 3,
            email: "ada@x.io".to_owned(),
            name: "Ada L".to_owned(),
            first_name: "Ada".to_owned(),
            last_name: "L".to_owned(),
            is_sys_admin: false,
        };
        let app = App { id: 9, name: "web".to_owned(), is_active: true, role: Some(Arc::clone(&role)) };
        Caller { app: Some(Arc::new(app)), user: Some(Arc::new(user)), role: Some(role), ..Caller::default() }
    }

    #[test]
    fn lookups_give_what_the_caller_has() {
        let caller = caller();
        for (name, expected) in [
            ("user.id", "3"),
            ("user.name", "Ada L"),
            ("user.display_name", "Ada L"),
            ("user.first_name", "Ada"),
            ("user.last_name", "L"),
            ("user.email", "ada@x.io"),
            ("user.is_sys_admin", "false"),
            ("user.is_admin", "false"),
            ("role.id", "4"),
            ("role.name", "reader"),
            ("app.id", "9"),
            ("app.name", "web"),
        ] {
            assert_eq!(caller.lookup(name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn secrets_and_unknown_names_are_no_lookups() {
        for name in ["app.api_key", "session.token", "session.id", "user.password", "user", "", "x.y"] {
            assert_eq!(caller().lookup(name), None, "{name}");
        }
    }

    #[test]
    fn a_missing_part_has_no_lookup() {
        for name in ["user.id", "role.name", "app.name"] {
            assert_eq!(Caller::default().lookup(name), None, "{name}");
        }
    }
}
