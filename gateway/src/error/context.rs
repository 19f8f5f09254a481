//! What an error says to programs: a JSON value, or what became of the parts of a request. No status code stands here.

use serde_json::{Value as Json, json};

use super::ApiError;

/// For programs.
#[derive(Debug, Clone, PartialEq)]
pub enum Context {
    /// As it stands.
    Json(Json),
    /// What became of each part of the request.
    Parts(Parts),
}

/// Parts of a request of which some failed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parts {
    /// The name under which the entries stand.
    pub wrapper: String,
    /// Indices of the parts that failed.
    pub failed: Vec<usize>,
    /// What became of each part that was tried, in order.
    pub entries: Vec<Entry>,
    /// How many did well, where not all of them have an entry.
    pub count: Option<u64>,
    /// How many failed, likewise.
    pub failures: Option<u64>,
}

/// What became of one part.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// It did well, and this is its answer.
    Done(Json),
    /// A record failed. Of what the store refused the clients of old know `code` and `message`; the rest stands in `error_details`.
    Record(Box<ApiError>),
    /// An operation of a batch failed.
    Operation(Box<ApiError>),
}

impl ApiError {
    /// The same with one more member in its context.
    #[must_use]
    pub(super) fn with_member(mut self, name: &str, value: Json) -> Self {
        let context = self.context.take().map(|context| context.json(true));
        let mut members = context.and_then(|context| context.as_object().cloned()).unwrap_or_default();
        members.insert(name.to_owned(), value);
        self.with_context(members.into())
    }
}

impl Context {
    /// As it is sent; messages are HTML-encoded unless they shall be `plain`.
    pub(super) fn json(&self, plain: bool) -> Json {
        match self {
            Self::Json(json) => json.clone(),
            Self::Parts(parts) => parts.json(plain),
        }
    }

    /// See [`ApiError::relaxed`].
    pub(super) fn relaxed(self) -> Self {
        let Self::Parts(mut parts) = self else { return self };
        let entries = parts.entries.into_iter().map(|entry| match entry {
            Entry::Done(json) => Entry::Done(json),
            Entry::Record(error) => Entry::Record(Box::new(error.relaxed())),
            Entry::Operation(error) => Entry::Operation(Box::new(error.relaxed())),
        });
        parts.entries = entries.collect();
        Self::Parts(parts)
    }
}

impl Parts {
    fn json(&self, plain: bool) -> Json {
        let entries: Vec<Json> = self.entries.iter().map(|entry| entry.json(plain)).collect();
        let mut context = serde_json::Map::new();
        context.insert("error".to_owned(), json!(self.failed));
        context.insert(self.wrapper.clone(), entries.into());
        if let Some(count) = self.count {
            context.insert("count".to_owned(), count.into());
        }
        if let Some(failures) = self.failures {
            context.insert("error_count".to_owned(), failures.into());
        }
        let details = self.details();
        if !details.is_empty() {
            context.insert("error_details".to_owned(), details.into());
        }
        context.into()
    }

    /// What the store says of the records that it refused, each with the record's index.
    fn details(&self) -> Vec<Json> {
        let failed = self.entries.iter().filter(|entry| !matches!(entry, Entry::Done(_)));
        let details = self.failed.iter().zip(failed).filter_map(|(index, entry)| {
            let Entry::Record(error) = entry else { return None };
            let Context::Json(Json::Object(members)) = error.context.as_deref()? else { return None };
            let own = members.iter().map(|(name, value)| (name.clone(), value.clone()));
            let index = ("index".to_owned(), json!(index));
            error.is_from_store().then(|| std::iter::once(index).chain(own).collect())
        });
        details.collect()
    }
}

impl Entry {
    fn json(&self, plain: bool) -> Json {
        match self {
            Self::Done(json) => json.clone(),
            Self::Operation(error) => error.object(plain),
            Self::Record(error) => {
                let mut object = error.object(plain);
                if let (true, Some(members)) = (error.is_from_store(), object.as_object_mut()) {
                    members.retain(|name, _| matches!(name.as_str(), "code" | "message"));
                }
                object
            }
        }
    }
}
