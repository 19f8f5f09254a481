//! Applications and how they are found by API key.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::keyed_hash::{Digest, KeyedHash, RandomUnavailable};
use crate::roles::{App, Role};

/// An application as it is configured.
#[derive(Clone)]
pub struct AppDefinition {
    /// Number on the wire.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// An inactive application is refused.
    pub is_active: bool,
    /// Name of the role of callers with this key, in any case; `None`: the key alone grants nothing.
    pub role: Option<String>,
    /// The key itself; dropped once its digest is made.
    pub api_key: String,
}

impl fmt::Debug for AppDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AppDefinition");
        shown.field("id", &self.id).field("name", &self.name).field("is_active", &self.is_active);
        shown.field("role", &self.role).finish_non_exhaustive()
    }
}

/// Why identity could not be set up from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Two roles share a name.
    #[error("role '{name}' is defined twice; give each role a name of its own")]
    DuplicateRole {
        /// The name.
        name: String,
    },
    /// An application names a role that does not exist.
    #[error("app '{app}': role '{role}' does not exist; define it or name another one")]
    UnknownRole {
        /// The application.
        app: String,
        /// What it names.
        role: String,
    },
    /// An application without a key.
    #[error("app '{app}': api_key is empty; give it a long random text")]
    EmptyKey {
        /// The application.
        app: String,
    },
    /// Two applications share a key.
    #[error("apps '{first}' and '{second}' have the same api_key; give each a key of its own")]
    DuplicateKey {
        /// The one defined first.
        first: String,
        /// The one defined later.
        second: String,
    },
    /// The administrator's e-mail address is empty.
    #[error("administrator: e-mail is empty; expected the address to log in with")]
    EmptyEmail,
    /// The administrator's password is given but empty.
    #[error("administrator: password is empty; give one, or none at all to have one generated")]
    EmptyPassword,
    /// The password could not be hashed.
    #[error("administrator: the password could not be hashed; is enough memory free?")]
    Hashing,
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
}

/// Applications by the keyed hash of their key.
#[derive(Debug)]
pub(super) struct ApiKeys {
    hash: KeyedHash,
    apps: HashMap<Digest, Arc<App>>,
}

impl ApiKeys {
    pub(super) fn new(roles: Vec<Role>, apps: Vec<AppDefinition>) -> Result<Self, SetupError> {
        let roles = roles_by_name(roles)?;
        let mut keys = Self { hash: KeyedHash::new()?, apps: HashMap::with_capacity(apps.len()) };
        for app in apps {
            keys.add(app, &roles)?;
        }
        Ok(keys)
    }

    fn add(&mut self, app: AppDefinition, roles: &HashMap<String, Arc<Role>>) -> Result<(), SetupError> {
        let AppDefinition { id, name, is_active, role, api_key } = app;
        if api_key.is_empty() {
            return Err(SetupError::EmptyKey { app: name });
        }
        let role = match role {
            None => None,
            Some(role) => match roles.get(&role.to_lowercase()) {
                Some(found) => Some(Arc::clone(found)),
                None => return Err(SetupError::UnknownRole { app: name, role }),
            },
        };
        let digest = self.hash.digest(&[&api_key]);
        if let Some(first) = self.apps.get(&digest) {
            return Err(SetupError::DuplicateKey { first: first.name.clone(), second: name });
        }
        self.apps.insert(digest, Arc::new(App { id, name, is_active, role }));
        Ok(())
    }

    /// The application of a key.
    pub(super) fn find(&self, api_key: &str) -> Option<Arc<App>> {
        self.apps.get(&self.hash.digest(&[api_key])).cloned()
    }
}

fn roles_by_name(roles: Vec<Role>) -> Result<HashMap<String, Arc<Role>>, SetupError> {
    let mut by_name = HashMap::with_capacity(roles.len());
    for role in roles {
        let role = Arc::new(role);
        if by_name.insert(role.name().to_lowercase(), Arc::clone(&role)).is_some() {
            return Err(SetupError::DuplicateRole { name: role.name().to_owned() });
        }
    }
    Ok(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(name: &str, role: Option<&str>, api_key: &str) -> AppDefinition {
        let role = role.map(str::to_owned);
        AppDefinition { id: 1, name: name.to_owned(), is_active: true, role, api_key: api_key.to_owned() }
    }

    fn role(name: &str) -> Role {
        Role::new(1, name, true, Vec::new())
    }

    #[test]
    fn app_is_found_by_its_whole_key_only() {
        let apps = vec![app("web", Some("READER"), "key-1"), app("bare", None, "key-2")];
        let keys = ApiKeys::new(vec![role("reader")], apps).unwrap();
        let web = keys.find("key-1").unwrap();
        assert_eq!((web.name.as_str(), web.role.as_ref().unwrap().name()), ("web", "reader"));
        assert!(keys.find("key-2").unwrap().role.is_none());
        for wrong in ["", "key", "KEY-1", "key-11"] {
            assert!(keys.find(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn contradictions_are_named() {
        fn check(roles: &[&str], apps: Vec<AppDefinition>, expected: &str) {
            let roles = roles.iter().map(|name| role(name)).collect();
            assert_eq!(ApiKeys::new(roles, apps).unwrap_err().to_string(), expected);
        }
        check(&["r", "R"], vec![], "role 'R' is defined twice; give each role a name of its own");
        check(
            &[],
            vec![app("web", Some("gone"), "k")],
            "app 'web': role 'gone' does not exist; define it or name another one",
        );
        check(&[], vec![app("web", None, "")], "app 'web': api_key is empty; give it a long random text");
        check(
            &[],
            vec![app("a", None, "k"), app("b", None, "k")],
            "apps 'a' and 'b' have the same api_key; give each a key of its own",
        );
    }

    #[test]
    fn keys_are_never_shown() {
        let definition = app("web", None, "top-secret");
        let shown = format!("{definition:?} {:?}", ApiKeys::new(vec![], vec![definition.clone()]).unwrap());
        assert!(!shown.contains("top-secret"), "{shown}");
        assert!(shown.contains("web"));
    }
}
