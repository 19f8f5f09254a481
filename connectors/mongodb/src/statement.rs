//! What the statement log shows of a call, in the words of the server's shell: collection, operation and the form of what was sent, with `?`
//! for each value. Pure functions; nothing here is run.

use connector_api::author::{
    Delete, Existing, Insert, Path, Request, Result, Selector, Update, UpdateMode, Upsert,
};
use mongodb::bson::{Bson, Document};

use crate::condition::Selection;
use crate::schema::Layout;

/// Stages that hold a caller's values; the others hold names of columns.
const WITH_VALUES: [&str; 3] = ["$match", "$skip", "$limit"];
/// The word before a kind, which is no caller's value.
const KIND: &str = "$type";

/// A read by these stages.
pub(crate) fn of_read(collection: &str, stages: &[Document]) -> String {
    let stage = |stage: &Document| {
        members(stage, |word, value| if WITH_VALUES.contains(&word) { form(value) } else { plain(value) })
    };
    format!("{collection}.aggregate([{}])", joined(stages.iter().map(stage)))
}

/// New documents.
pub(crate) fn of_insert(request: &Insert) -> String {
    let computed = request.compute.iter().map(|assignment| &assignment.column);
    format!("{}.insertMany([{}])", request.into.name, columns(request.columns.iter().chain(computed)))
}

/// A change.
///
/// # Errors
/// A filter that makes no sense.
pub(crate) fn of_update(request: &Request<Update>, layout: &Layout) -> Result<String> {
    let computed = request.compute.iter().map(|assignment| &assignment.column);
    let set = columns(request.set.iter().chain(computed));
    let many = if matches!(request.rows, Selector::Where(_)) { "updateMany" } else { "updateOne" };
    let (operation, change) = match request.mode {
        UpdateMode::Merge => (many, format!("{{\"$set\": {set}}}")),
        UpdateMode::Replace => ("replaceOne", set),
    };
    let rows = selected((request, &request.rows), layout)?;
    Ok(format!("{}.{operation}({rows}, {change})", request.table.name))
}

/// A change of what is there, else a new document.
pub(crate) fn of_upsert(request: &Upsert) -> String {
    let rest = columns(request.columns.iter().filter(|column| !request.key.contains(column)));
    let (operation, change) = match request.existing {
        Existing::Merge => ("updateOne", format!("{{\"$set\": {rest}}}")),
        Existing::Replace => ("replaceOne", rest),
    };
    let key = columns(&request.key);
    format!("{}.{operation}({key}, {change}, {{\"upsert\": true}})", request.into.name)
}

/// A removal.
///
/// # Errors
/// As [`of_update`].
pub(crate) fn of_delete(request: &Request<Delete>, layout: &Layout) -> Result<String> {
    let operation = if matches!(request.rows, Selector::Where(_)) { "deleteMany" } else { "deleteOne" };
    let rows = selected((request, &request.rows), layout)?;
    Ok(format!("{}.{operation}({rows})", request.from.name))
}

fn selected<S>((request, rows): (&Request<S>, &Selector), layout: &Layout) -> Result<String> {
    let native = |filter| Selection::new(filter, layout, request.params()).map(|selection| selection.native);
    match rows {
        Selector::Where(filter) => Ok(document(&native(Some(filter))?)),
        Selector::Keys { columns: key, guard } => {
            let guard = native(guard.as_ref())?;
            let key = columns(key);
            Ok(if guard.is_empty() { key } else { format!("{{\"$and\": [{key}, {}]}}", document(&guard)) })
        }
    }
}

/// A document of these columns.
fn columns<'p>(columns: impl IntoIterator<Item = &'p Path>) -> String {
    let member = |path: &Path| format!("{}: ?", quoted(&path.segments().join(".")));
    format!("{{{}}}", joined(columns.into_iter().map(member)))
}

/// A value of a filter: words and names stay.
fn form(value: &Bson) -> String {
    match value {
        Bson::Null => "null".to_owned(),
        Bson::Document(inner) => document(inner),
        Bson::Array(items) if items.iter().any(|item| matches!(item, Bson::Document(_))) => {
            format!("[{}]", joined(items.iter().map(form)))
        }
        Bson::Array(_) => "[?]".to_owned(),
        _ => "?".to_owned(),
    }
}

fn document(document: &Document) -> String {
    members(document, |word, value| if word == KIND { plain(value) } else { form(value) })
}

fn members(document: &Document, value_of: impl Fn(&str, &Bson) -> String) -> String {
    let member = |(name, value): (&String, &Bson)| format!("{}: {}", quoted(name), value_of(name, value));
    format!("{{{}}}", joined(document.iter().map(member)))
}

/// Words and names of columns, as they are.
fn plain(value: &Bson) -> String {
    match value {
        Bson::Document(inner) => members(inner, |_, value| plain(value)),
        Bson::Array(items) => format!("[{}]", joined(items.iter().map(plain))),
        Bson::String(text) => quoted(text),
        other => other.to_string(),
    }
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn a_statement_shows_names_and_words_and_no_value() {
        let filter = doc! {"$and": [
            {"name": {"$in": ["secret", 1], "$not": {"$type": "array"}}},
            {"a.b": {"$ne": Bson::Null, "$gt": 77}},
        ]};
        let stages = [doc! {"$match": filter}, doc! {"$sort": {"age": -1}}, doc! {"$limit": 5}];
        assert_eq!(
            of_read("people", &stages),
            r#"people.aggregate([{"$match": {"$and": [{"name": {"$in": [?], "$not": {"$type": "array"}}}, {"a.b": {"$ne": null, "$gt": ?}}]}}, {"$sort": {"age": -1}}, {"$limit": ?}])"#
        );
    }

    #[test]
    fn a_name_that_looks_like_a_statement_stays_a_name() {
        let path = Path::column(r#"x": 1}) //"#);
        assert_eq!(columns([&path]), r#"{"x\": 1}) //": ?}"#);
    }
}
