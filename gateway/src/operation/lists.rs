//! Lists of resources: a service's root, its tables, and what the roles' editor calls access strings.

use connector_api::model::TableName;
use serde_json::{Map, Value as Json, json};

use super::tables::Called;
use super::{Job, Owner, component};
use crate::error::ApiError;
use crate::pipeline::Answer;
use crate::request::{Fields, ListRead};
use crate::roles::{self, Verb, VerbMask};
use crate::schema::describe::{schema_row, table_row};
use crate::schema::extras::show_row;
use crate::schema::names::{lookup_key, natural_order, public_name};

/// Resources of a service and their labels.
const RESOURCES: [(&str, &str); 2] = [("_schema", "Schema"), ("_table", "Tables")];
/// Those that only services with routines have.
const OF_ROUTINES: [(&str, &str); 2] = [("_proc", "Procedures"), ("_func", "Functions")];

/// `GET {service}`.
pub(super) async fn root(job: Job<'_>, list: &ListRead) -> Result<Answer, ApiError> {
    if list.as_access_list {
        return access_list(job, list).await;
    }
    let of_routines = if job.service.has_routines(&job.snapshot.registry) { &OF_ROUTINES[..] } else { &[] };
    let rows = RESOURCES.iter().chain(of_routines).map(|(name, label)| {
        let mut row = Map::from_iter([("name".to_owned(), json!(name)), ("label".to_owned(), json!(label))]);
        if list.include_access {
            row.insert("access".to_owned(), words(job.access(name)));
        }
        row
    });
    Ok(answer(rows.collect(), list))
}

/// `GET {service}/_table` and `GET {service}/_schema`: what the caller may touch.
pub(super) async fn tables(
    job: Job<'_>,
    resource: &'static str,
    list: &ListRead,
) -> Result<Answer, ApiError> {
    let owner = job.owner(list.refresh).await?;
    let visible = visible(job, &owner, resource, list).await?;
    if let (Some(_), "_schema") = (&list.ids, resource) {
        let names: Vec<String> = visible.iter().map(|shown| public_name(&shown.table.table)).collect();
        return super::schema::several(job, &owner, &names).await;
    }
    let row = if resource == "_schema" { schema_row } else { table_row };
    let extras = job.service.extras().tables();
    let rows = visible.iter().filter_map(|Visible { name, table, access }| {
        let Json::Object(mut row) = row(table, None, words(*access)) else { return None };
        row.insert("name".to_owned(), json!(name));
        if let Some(extras) = extras.get(&public_name(&table.table)) {
            show_row(&mut row, extras);
        }
        Some(row)
    });
    Ok(answer(rows.collect(), list))
}

/// Which names of a list are wanted.
pub(super) struct Wanted {
    names: Option<Vec<String>>,
    prefix: Option<String>,
}

impl Wanted {
    pub(super) fn of(list: &ListRead) -> Self {
        let names = list.ids.as_ref().map(|ids| ids.iter().map(|id| lookup_key(id)).collect());
        Self { names, prefix: list.schema.as_ref().map(|schema| format!("{}.", lookup_key(schema))) }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        if self.names.is_none() && self.prefix.is_none() {
            return true;
        }
        let key = lookup_key(name);
        self.names.as_ref().is_none_or(|names| names.contains(&key))
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
    }
}

/// A table that the caller may touch.
struct Visible {
    /// As the list calls it.
    name: String,
    table: TableName,
    access: VerbMask,
}

/// Tables that the caller may touch in any way, in natural order.
async fn visible(
    job: Job<'_>,
    owner: &Owner,
    resource: &'static str,
    list: &ListRead,
) -> Result<Vec<Visible>, ApiError> {
    let tables =
        owner.service.catalogue().list(&owner.source()).await.map_err(|error| owner.failed(error))?;
    let wanted = Wanted::of(list);
    let seen = |table: TableName| {
        let own = public_name(&table.table);
        if resource == "_table" {
            let name = job.name_of(&table.table);
            let access = job.access_to_rows(&Called { name: &name, own: own.into() });
            return Visible { name, table, access };
        }
        let access = job.access(&component(&[resource.to_owned(), own.clone()]));
        Visible { name: own, table, access }
    };
    let visible = tables.into_iter().map(seen);
    let mut visible: Vec<Visible> =
        visible.filter(|shown| wanted.has(&shown.name) && !shown.access.grants_nothing()).collect();
    visible.sort_by(|left, right| natural_order(&left.name, &right.name));
    Ok(visible)
}

/// The strings from which the editor of roles offers components: those that the caller may touch.
async fn access_list(job: Job<'_>, list: &ListRead) -> Result<Answer, ApiError> {
    let owner = job.owner(list.refresh).await?;
    let mut strings = vec![String::new(), "*".to_owned()];
    for (resource, _) in RESOURCES {
        if !job.access(resource).grants_nothing() {
            strings.extend([format!("{resource}/"), format!("{resource}/*")]);
        }
        for Visible { name, .. } in visible(job, &owner, resource, list).await? {
            strings.extend([format!("{resource}/{name}/"), format!("{resource}/{name}/*")]);
        }
    }
    if owner.connection.capabilities().routines {
        for (resource, _) in OF_ROUTINES {
            if !job.access(resource).grants_nothing() {
                strings.extend([format!("{resource}/"), format!("{resource}/*")]);
            }
            let names = super::routines::names(job, &owner, resource).await?;
            strings.extend(names.iter().map(|name| format!("{resource}/{name}")));
        }
    }
    Ok(Answer::json(json!({ "resource": strings }).to_string()))
}

/// Rows with the properties that were asked for: by default the name alone.
pub(super) fn answer(rows: Vec<Map<String, Json>>, list: &ListRead) -> Answer {
    let name = |row: &Map<String, Json>| row.get("name").cloned().unwrap_or_default();
    let rows: Vec<Json> = if list.as_list {
        rows.iter().map(name).collect()
    } else {
        rows.into_iter().map(|row| Json::Object(properties(row, &list.fields))).collect()
    };
    Answer::json(json!({ "resource": rows }).to_string())
}

fn properties(mut row: Map<String, Json>, fields: &Fields) -> Map<String, Json> {
    match fields {
        Fields::All => row,
        Fields::Absent | Fields::Identifiers => {
            row.retain(|name, _| name == "name");
            row
        }
        Fields::Named(items) => {
            items.iter().filter_map(|item| row.remove_entry(item.term.name.as_str())).collect()
        }
    }
}

pub(super) fn words(access: VerbMask) -> Json {
    access.words().map(Json::from).collect()
}

impl Job<'_> {
    /// What the caller may do with a component.
    pub(super) fn access(&self, component: &str) -> VerbMask {
        roles::access_verbs(self.caller, self.service.name(), component)
    }

    /// Whether what the caller may do with a component has conditions on rows.
    pub(super) fn has_row_rules(&self, component: &str, verb: Verb) -> bool {
        let caller = self.caller;
        let role = caller.role.as_ref().filter(|_| !caller.is_admin);
        role.is_some_and(|role| {
            role.row_filters(self.service.name(), component, verb, caller.requestor).is_some()
        })
    }
}
