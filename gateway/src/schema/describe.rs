//! The objects with which the schema endpoints describe tables, fields and relationships. Their members and the order
//! of these are a promise to clients. Nothing here asks whether the caller may see them.

use connector_api::model::{Column, ColumnType, DefaultValue, ForeignKey, Table, TableKind, TableName};
use serde_json::{Map, Value, json};

use super::{
    names::{label, lookup_key, plural, public_name},
    relationships::{Relationship, RelationshipKind},
};

/// A table in full. `relationships` are all of this table; `access` is the caller's mask.
#[must_use]
pub fn table_object(table: &Table, relationships: &[Relationship], access: u8) -> Value {
    let name = public_name(&table.table);
    let label = label(&table.table.name);
    let fields: Vec<Value> =
        table.columns.iter().map(|column| field_object(table, column, relationships)).collect();
    let related: Vec<Value> = relationships.iter().map(relationship_object).collect();
    json!({
        "alias": null,
        "name": name,
        "label": label,
        "description": table.comment,
        "native": native(&[(table.is_inferred, "is_inferred"), (table.is_open, "is_open")]),
        "plural": plural(&label),
        "is_view": table.kind == TableKind::View,
        "primary_key": table.primary_key,
        "name_field": null,
        "field": fields,
        "related": related,
        "constraints": constraints(table),
        "access": access,
    })
}

/// A row of the list of tables, with all its properties. `description` is the store's comment, where it is known;
/// `access` the list of verbs.
#[must_use]
pub fn table_row(table: &TableName, description: Option<&str>, access: Value) -> Value {
    let label = label(&table.table.name);
    json!({
        "name": public_name(&table.table),
        "label": label,
        "description": description,
        "native": [],
        "plural": plural(&label),
        "is_view": table.kind == TableKind::View,
        "access": access,
    })
}

/// A row of the list of schemas: that of [`table_row`] after the alias.
#[must_use]
pub fn schema_row(table: &TableName, description: Option<&str>, access: Value) -> Value {
    let mut row = Map::from_iter([("alias".to_owned(), Value::Null)]);
    if let Value::Object(rest) = table_row(table, description, access) {
        row.extend(rest);
    }
    Value::Object(row)
}

/// A field in full: `column` is one of `table`, and `relationships` are all of this table.
///
/// `is_unique` and `is_index` say what a key adds to the primary key: the column alone is a unique key, or the first
/// of an index. A computed column has `{"is_generated":true}` for `native` and is never required, one whose
/// type was guessed has `{"is_guessed":true}`.
#[must_use]
pub fn field_object(table: &Table, column: &Column, relationships: &[Relationship]) -> Value {
    let is_this = |name: &String| *name == column.name;
    let target = Target::of(table, column, relationships);
    let native_type = column.native_type.to_lowercase();
    let is_filled = column.default.is_some() || column.is_auto_increment || column.is_generated;
    json!({
        "alias": null,
        "name": column.name,
        "label": label(&column.name),
        "description": column.comment,
        "native": native(&[(column.is_generated, "is_generated"), (column.is_guessed, "is_guessed")]),
        "type": simple_type(table, column, target.as_ref()),
        "db_type": column.native_type,
        "length": column.length,
        "precision": column.precision,
        "scale": column.scale,
        "default": default_value(column.default.as_ref()),
        "required": !column.is_nullable && !is_filled,
        "allow_null": column.is_nullable,
        "fixed_length": is_fixed_length(column.data_type, &native_type),
        "supports_multibyte": is_multibyte(column.data_type, &native_type),
        "auto_increment": column.is_auto_increment,
        "is_primary_key": table.primary_key.iter().any(is_this),
        "is_unique": table.unique_keys.iter().any(|key| key.columns == [column.name.as_str()]),
        "is_index": table.indexes.iter().any(|index| index.columns.first().is_some_and(is_this)),
        "is_foreign_key": target.is_some(),
        "ref_table": target.as_ref().map(|target| &target.table),
        "ref_field": target.as_ref().and_then(|target| target.column.as_ref()),
        "ref_on_update": target.as_ref().and_then(|target| target.key.on_update.as_ref()),
        "ref_on_delete": target.as_ref().and_then(|target| target.key.on_delete.as_ref()),
        "picklist": (!column.allowed_values.is_empty()).then_some(&column.allowed_values),
        "validation": null,
        "db_function": null,
        "is_virtual": false,
        "is_aggregate": false,
    })
}

/// A relationship in full. Lists of columns are joined with commas; the ids of services are their names, and null
/// for the service of the table itself.
#[must_use]
pub fn relationship_object(relationship: &Relationship) -> Value {
    let junction = relationship.junction.as_ref();
    let extras = &relationship.extras;
    json!({
        "alias": extras.alias,
        "name": relationship.name,
        "label": extras.label.clone().unwrap_or_else(|| label(&relationship.name)),
        "description": extras.description.as_ref().or(relationship.description.as_ref()),
        "native": [],
        "type": relationship.kind.word(),
        "field": relationship.columns.join(","),
        "is_virtual": relationship.is_virtual,
        "ref_service_id": relationship.service,
        "ref_table": public_name(&relationship.target),
        "ref_field": relationship.target_columns.join(","),
        "ref_on_update": relationship.on_update,
        "ref_on_delete": relationship.on_delete,
        "junction_service_id": junction.and_then(|junction| junction.service.as_ref()),
        "junction_table": junction.map(|junction| public_name(&junction.table)),
        "junction_field": junction.map(|junction| junction.columns.join(",")),
        "junction_ref_field": junction.map(|junction| junction.target_columns.join(",")),
        "always_fetch": extras.always_fetch,
        "flatten": extras.flatten,
        "flatten_drop_prefix": extras.flatten_drop_prefix,
    })
}

/// Where a column refers to.
struct Target<'a> {
    key: &'a ForeignKey,
    table: String,
    column: Option<String>,
}

impl<'a> Target<'a> {
    /// Of several foreign keys the one with the fewest columns says most about this one. The relationship knows the
    /// table's own spelling and the columns that the key leaves to the primary key; a key that leads nowhere has none.
    fn of(table: &'a Table, column: &Column, relationships: &[Relationship]) -> Option<Self> {
        let at = |key: &ForeignKey| key.columns.iter().position(|name| is_same_name(name, &column.name));
        let keys = table.foreign_keys.iter().filter(|key| at(key).is_some());
        let key = keys.min_by_key(|key| key.columns.len())?;
        let name = public_name(&key.references);
        let is_this_key = |relationship: &&Relationship| {
            relationship.kind == RelationshipKind::BelongsTo
                && !relationship.is_virtual
                && relationship.columns.len() == key.columns.len()
                && relationship
                    .columns
                    .iter()
                    .zip(&key.columns)
                    .all(|(left, right)| is_same_name(left, right))
                && is_same_name(&public_name(&relationship.target), &name)
        };
        let (table, columns) = match relationships.iter().find(is_this_key) {
            Some(found) => (public_name(&found.target), &found.target_columns),
            None => (name, &key.referenced_columns),
        };
        let column = at(key).and_then(|at| columns.get(at)).cloned();
        Some(Self { key, table, column })
    }

    fn is_single(&self) -> bool {
        self.key.columns.len() == 1
    }
}

fn is_same_name(left: &str, right: &str) -> bool {
    lookup_key(left) == lookup_key(right)
}

/// The type's word on the wire. A whole number that is the store-numbered primary key is an `id`, one that alone is a
/// foreign key a `reference`; both words mean 32 bits, so a wider column keeps `bigint`.
fn simple_type(table: &Table, column: &Column, target: Option<&Target<'_>>) -> &'static str {
    let is_numbered_key = column.is_auto_increment && table.primary_key == [column.name.as_str()];
    let names = |word: &str| column.native_type.to_lowercase().contains(word);
    match column.data_type {
        ColumnType::Integer if is_numbered_key => "id",
        ColumnType::Integer if target.is_some_and(Target::is_single) => "reference",
        ColumnType::Boolean => "boolean",
        ColumnType::Integer => "integer",
        ColumnType::BigInt => "bigint",
        ColumnType::Float => "float",
        ColumnType::Double => "double",
        ColumnType::Decimal if names("money") => "money",
        ColumnType::Decimal => "decimal",
        ColumnType::Text => "text",
        ColumnType::Binary => "binary",
        ColumnType::Date => "date",
        ColumnType::Time => "time",
        ColumnType::DateTime => "datetime",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Uuid if names("timeuuid") => "timeuuid",
        ColumnType::Uuid => "uuid",
        ColumnType::Json if names("jsonb") => "jsonb",
        ColumnType::Json => "json",
        ColumnType::Array => "array",
        ColumnType::Object => "object",
        ColumnType::String | ColumnType::Other => "string",
    }
}

/// The word for the type of something that is no column of a table.
pub(super) fn type_word(column: &Column) -> &'static str {
    simple_type(&Table::default(), column, None)
}

/// `char(2)` or `binary(16)`, unlike `varchar(2)` and `character varying(2)`.
fn is_fixed_length(data_type: ColumnType, native_type: &str) -> bool {
    let starts = |words: &[&str]| words.iter().any(|word| native_type.starts_with(word));
    let is_fixed = match data_type {
        ColumnType::String => starts(&["char", "nchar", "bpchar", "national char"]),
        ColumnType::Binary => starts(&["binary"]),
        _ => false,
    };
    is_fixed && !["var", "large"].iter().any(|word| native_type.contains(word))
}

/// `nvarchar` and its like: types that are told apart from single-byte ones.
fn is_multibyte(data_type: ColumnType, native_type: &str) -> bool {
    let is_text = matches!(data_type, ColumnType::String | ColumnType::Text);
    is_text
        && ["nchar", "nvarchar", "ntext", "nclob", "national"]
            .iter()
            .any(|word| native_type.starts_with(word))
}

pub(super) fn default_value(default: Option<&DefaultValue>) -> Value {
    match default {
        None => Value::Null,
        Some(DefaultValue::Value(value)) => value.clone(),
        Some(DefaultValue::Expression(text)) => json!({ "expression": text }),
    }
}

/// What the store says beyond the common members: an empty list, or an object with this member.
pub(super) fn native(members: &[(bool, &str)]) -> Value {
    let so = members.iter().filter(|(is_so, _)| *is_so);
    let so: Map<String, Value> = so.map(|(_, member)| ((*member).to_owned(), json!(true))).collect();
    if so.is_empty() { json!([]) } else { Value::Object(so) }
}

/// Primary key, unique keys and foreign keys, in this order, by their names in lower case. Stores differ in the members
/// that they know; these are the same for all. A constraint without a name is named after its table and columns:
/// `orders_pkey`, `orders_number_key`, `orders_customer_id_fkey`. A foreign key that names no columns of the other table,
/// and so means its primary key, has an empty `referenced_column_name`.
fn constraints(table: &Table) -> Value {
    let mut all = Map::new();
    if !table.primary_key.is_empty() {
        let name = format!("{}_pkey", table.table.name);
        insert_named(&mut all, constraint(table, &name, "PRIMARY KEY", &table.primary_key));
    }
    for key in &table.unique_keys {
        let name = name_or(table, &key.name, &key.columns, "key");
        insert_named(&mut all, constraint(table, &name, "UNIQUE", &key.columns));
    }
    for key in &table.foreign_keys {
        let name = name_or(table, &key.name, &key.columns, "fkey");
        let mut members = constraint(table, &name, "FOREIGN KEY", &key.columns);
        let target = [
            ("referenced_table_schema", schema_of(&key.references.namespace)),
            ("referenced_table_name", json!(key.references.name)),
            ("referenced_column_name", json!(key.referenced_columns)),
            ("update_rule", json!(key.on_update)),
            ("delete_rule", json!(key.on_delete)),
        ];
        members.extend(target.map(|(name, value)| (name.to_owned(), value)));
        insert_named(&mut all, members);
    }
    Value::Object(all)
}

fn constraint(table: &Table, name: &str, kind: &str, columns: &[String]) -> Map<String, Value> {
    let schema = schema_of(&table.table.namespace);
    let members = [
        ("constraint_schema", schema.clone()),
        ("constraint_name", json!(name)),
        ("constraint_type", json!(kind)),
        ("table_schema", schema),
        ("table_name", json!(table.table.name)),
        ("column_name", json!(columns)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The namespace joined with dots; null for a table that is addressed without one.
fn schema_of(namespace: &[String]) -> Value {
    if namespace.is_empty() { Value::Null } else { Value::from(namespace.join(".")) }
}

fn name_or(table: &Table, name: &str, columns: &[String], ending: &str) -> String {
    if name.is_empty() {
        format!("{}_{}_{ending}", table.table.name, columns.join("_"))
    } else {
        name.to_owned()
    }
}

/// Some stores let a key and a foreign key have the same name; the later one is told apart by a number.
fn insert_named(all: &mut Map<String, Value>, members: Map<String, Value>) {
    let name = members.get("constraint_name").and_then(Value::as_str).map(lookup_key).unwrap_or_default();
    let numbered = (2..=all.len() + 1).map(|number| format!("{name}_{number}"));
    let mut keys = std::iter::once(name.clone()).chain(numbered);
    if let Some(key) = keys.find(|key| !all.contains_key(key)) {
        all.insert(key, Value::Object(members));
    }
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
