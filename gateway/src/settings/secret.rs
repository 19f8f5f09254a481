//! Secrets: a text that never shows itself, and the references `${env:NAME}` and `${file:PATH}` that stand for one.
//! No other room resolves a reference; no message here holds what a reference stands for.

use std::{collections::HashMap, fmt, path::Path};

use serde::Deserialize;

/// What is shown in place of a secret.
pub const MASK: &str = "**********";

/// The word of a schema's `format` for secrets, as OpenAPI has it.
pub(crate) const SECRET_FORMAT: &str = "password";

/// What a private key as PEM has in its first line, whatever its kind.
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// A text that must not be logged: `Debug` and `Display` print [`MASK`].
#[derive(Clone, PartialEq, Eq, Hash, Default, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(with = "String", extend("format" = SECRET_FORMAT))]
pub struct Secret(String);

impl Secret {
    /// The secret itself; the caller answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Resolves references against one environment.
pub(crate) struct Resolver<'a> {
    variables: HashMap<&'a str, &'a str>,
}

/// A text after its references were replaced.
pub(crate) struct Resolved {
    pub(crate) text: String,
    /// What each reference stood for.
    pub(crate) secrets: Vec<Secret>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(environment: &'a [(String, String)]) -> Self {
        Self { variables: environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect() }
    }

    /// Replaces every `${env:NAME}` and `${file:PATH}` of `text`; a resolved text is not searched again.
    /// Other uses of `${` are left as they are.
    ///
    /// # Errors
    /// A message that names the missing or empty variable or file.
    pub(crate) fn resolve(&self, text: &str) -> Result<Resolved, String> {
        let mut resolved = Resolved { text: String::with_capacity(text.len()), secrets: Vec::new() };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            resolved.text.push_str(before);
            if !after.starts_with("env:") && !after.starts_with("file:") {
                resolved.text.push_str("${");
                rest = after;
                continue;
            }
            let Some((reference, remainder)) = after.split_once('}') else {
                return Err("has a secret reference without its closing `}`".to_owned());
            };
            let secret = self.look_up(reference)?;
            resolved.text.push_str(&secret);
            resolved.secrets.push(Secret(secret));
            rest = remainder;
        }
        resolved.text.push_str(rest);
        Ok(resolved)
    }

    fn look_up(&self, reference: &str) -> Result<String, String> {
        let (kind, name) = reference.split_once(':').unwrap_or((reference, ""));
        if name.is_empty() {
            return Err(format!("has the secret reference `${{{reference}}}` without a name"));
        }
        let (what, text) = match kind {
            "env" => {
                let text = self.variables.get(name).map(|text| (*text).to_owned());
                (
                    "environment variable",
                    text.ok_or_else(|| format!("needs the environment variable `{name}`, which is not set"))?,
                )
            }
            _ => ("file", read_secret_file(name)?),
        };
        if text.is_empty() {
            return Err(format!("needs the {what} `{name}`, which is empty"));
        }
        Ok(text)
    }
}

/// The file's text without the line end that editors and `echo` put after it.
fn read_secret_file(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(Path::new(path)).map_err(|error| {
        format!("needs the file `{path}`, which can't be read: {}", super::layers::reason(&error))
    })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}
