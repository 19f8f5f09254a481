//! Tables and columns as the catalogue has them: one query for any number of tables, each row a JSON object. Routines are in `routines`.

mod routines;

use connector_api::author::{Column, DefaultValue, ForeignKey, Key, Table, TableKind, TableName, TableRef};
use connector_api::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[cfg(test)]
pub(crate) use self::routines::ParameterInfo;
pub(crate) use self::routines::{How, Out, ROUTINES, RoutineInfo, RoutineRow};
use crate::table::{ColumnInfo, TableInfo};
use crate::translate::NamedType;
use crate::types::{self, Class, Declared};

/// `$1` is the schema whose tables have no prefix, null: the connection's default; `$2` whether those of others count too.
pub(crate) const TABLES: &str = "
    SELECT json_build_object('schema', NULLIF(n.nspname, home.name), 'name', c.relname, 'kind', c.relkind)::text
    FROM (SELECT COALESCE($1::text, current_schema())::name AS name) AS home, pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND (n.nspname = home.name OR $2::boolean)
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY n.nspname <> home.name, n.nspname, c.relname";

/// `$3` lists the tables wanted, `{\"schema\": null, \"name\": \"a\"}` each. Domains are resolved through two levels. Keys are those
/// of whole columns; an index over some rows or over expressions is none. What of a trigger's type is 2 means `BEFORE`, 64 `INSTEAD OF`.
/// Types are ordered that have a class of operators for it, and arrays of such; `cidr` has those of `inet`, and so its aggregates, `varchar`
/// those of `text`. What functions say of a table that somebody drops meanwhile is null, although the snapshot has its rows still.
pub(crate) const DESCRIPTIONS: &str = "
    SELECT json_build_object(
        'schema', wanted.prefix, 'place', n.nspname, 'name', c.relname, 'kind', c.relkind,
        'comment', obj_description(c.oid, 'pg_class'),
        'has_after_triggers', EXISTS (
            SELECT FROM pg_catalog.pg_trigger AS g
            WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND (g.tgtype & 66) = 0),
        'is_given_back', c.relkind IN ('r', 'p') AND NOT c.relhasrules AND NOT c.relrowsecurity
            AND COALESCE(has_table_privilege(c.oid, 'SELECT'), false),
        'columns', (
            SELECT json_agg(json_build_object(
                'name', a.attname, 'type', base.typname, 'kind', base.typtype,
                'is_system', base.typnamespace = 'pg_catalog'::regnamespace,
                'is_ordered', item.typtype <> 'b' OR item.typname IN ('cidr', 'varchar') OR item.oid IN (
                    SELECT o.opcintype FROM pg_catalog.pg_opclass AS o JOIN pg_catalog.pg_am AS m ON m.oid = o.opcmethod
                    WHERE o.opcdefault AND m.amname = 'btree'),
                'has_extremes', base.typname = 'cidr' OR base.oid IN (
                    SELECT p.proargtypes[0] FROM pg_catalog.pg_proc AS p WHERE p.proname = 'min' AND p.prokind = 'a'),
                'modifier', GREATEST(a.atttypmod, t.typtypmod, d1.typtypmod),
                'words', COALESCE(format_type(a.atttypid, a.atttypmod), base.typname),
                'collation', (SELECT json_build_array(cn.nspname, co.collname)
                              FROM pg_catalog.pg_collation AS co JOIN pg_catalog.pg_namespace AS cn ON cn.oid = co.collnamespace
                              WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation),
                'is_not_null', a.attnotnull OR t.typnotnull OR COALESCE(d1.typnotnull, false),
                'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(f.adbin, f.adrelid) END,
                'identity', a.attidentity, 'is_generated', a.attgenerated <> '',
                'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)
                           FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = base.oid),
                'comment', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute AS a
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            LEFT JOIN pg_catalog.pg_type AS d1 ON t.typtype = 'd' AND d1.oid = t.typbasetype
            LEFT JOIN pg_catalog.pg_type AS d2 ON d1.typtype = 'd' AND d2.oid = d1.typbasetype
            JOIN pg_catalog.pg_type AS base ON base.oid = COALESCE(d2.oid, d1.oid, t.oid)
            JOIN pg_catalog.pg_type AS item ON item.oid = CASE base.typcategory WHEN 'A' THEN base.typelem ELSE base.oid END
            LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = c.oid AND f.adnum = a.attnum
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        'keys', (
            SELECT json_agg(json_build_object(
                'name', i.relname, 'is_primary', x.indisprimary, 'is_unique', x.indisunique,
                'is_constraint', EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                                         WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u')),
                'columns', (SELECT json_agg(a.attname ORDER BY k.place)
                            FROM unnest(x.indkey) WITH ORDINALITY AS k(number, place)
                            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
                            WHERE k.place <= x.indnkeyatts)) ORDER BY x.indexrelid)
            FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
            WHERE x.indrelid = c.oid AND x.indisvalid AND x.indexprs IS NULL AND x.indpred IS NULL),
        'references', (
            SELECT json_agg(json_build_object(
                'name', r.conname, 'schema', NULLIF(rn.nspname, wanted.home), 'table', rc.relname,
                'columns', (SELECT json_agg(a.attname ORDER BY k.place)
                            FROM unnest(r.conkey) WITH ORDINALITY AS k(number, place)
                            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.conrelid AND a.attnum = k.number),
                'referenced', (SELECT json_agg(a.attname ORDER BY k.place)
                               FROM unnest(r.confkey) WITH ORDINALITY AS k(number, place)
                               JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.confrelid AND a.attnum = k.number),
                'on_update', r.confupdtype, 'on_delete', r.confdeltype) ORDER BY r.conname)
            FROM pg_catalog.pg_constraint AS r
            JOIN pg_catalog.pg_class AS rc ON rc.oid = r.confrelid
            JOIN pg_catalog.pg_namespace AS rn ON rn.oid = rc.relnamespace
            WHERE r.conrelid = c.oid AND r.contype = 'f')
        )::text
    FROM (
        SELECT w.place, w.item->>'schema' AS prefix, w.item->>'name' AS name, home.name AS home
        FROM (SELECT COALESCE($1::text, current_schema())::name AS name) AS home,
            json_array_elements($3::json) WITH ORDINALITY AS w(item, place)
        WHERE octet_length(w.item->>'name') < 64
          AND (w.item->>'schema' IS NULL
            OR $2::boolean AND w.item->>'schema' <> home.name AND w.item->>'schema' !~ '^pg_'
              AND w.item->>'schema' <> 'information_schema')) AS wanted
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = COALESCE(wanted.prefix::name, wanted.home)
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name::name
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    ORDER BY wanted.place";

/// For `change`: the schema of tables without a prefix.
pub(crate) const HOME: &str = "
    SELECT json_build_object('home', COALESCE($1::text, current_schema()), 'is_all', $2::boolean)::text";

/// For `change`: other tables that refer to those wanted.
pub(crate) const REFERRERS: &str = "
    SELECT DISTINCT json_build_object('schema', NULLIF(n.nspname, home.name), 'name', c.relname, 'kind', c.relkind)::text
    FROM (SELECT COALESCE($1::text, current_schema())::name AS name) AS home
    CROSS JOIN json_array_elements($3::json) AS w(item)
    JOIN pg_catalog.pg_namespace AS tn ON tn.nspname = COALESCE((w.item->>'schema')::name, home.name)
    JOIN pg_catalog.pg_class AS t ON t.relnamespace = tn.oid AND t.relname = (w.item->>'name')::name
    JOIN pg_catalog.pg_constraint AS r ON r.confrelid = t.oid AND r.contype = 'f' AND r.conrelid <> t.oid
    JOIN pg_catalog.pg_class AS c ON c.oid = r.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE $2::boolean OR n.nspname = home.name";

/// For `change`: where types are that are asked for by schema, if any, and name: `[{\"schema\": null, \"name\": \"a\"}]`. Lists are none,
/// they are asked for by their items.
pub(crate) const NAMED_TYPES: &str = "
    SELECT json_build_object('asked', w.item, 'schema', n.nspname, 'name', t.typname)::text
    FROM json_array_elements($1::json) AS w(item)
    JOIN pg_catalog.pg_type AS t ON t.typname = w.item->>'name'
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    WHERE t.typisdefined AND t.typtype IN ('b', 'c', 'd', 'e', 'r', 'm') AND t.typcategory <> 'A'
      AND CASE WHEN w.item->>'schema' IS NULL THEN pg_catalog.pg_type_is_visible(t.oid)
               ELSE n.nspname = w.item->>'schema' END";

/// The schema of tables without a prefix; `None`: there is none.
#[derive(Deserialize)]
pub(crate) struct HomeRow {
    pub(crate) home: Option<String>,
}

/// A type that is asked for by its name.
#[derive(Deserialize)]
pub(crate) struct NamedTypeRow {
    asked: AskedType,
    schema: String,
    name: String,
}

#[derive(Deserialize)]
struct AskedType {
    schema: Option<String>,
    name: String,
}

impl NamedTypeRow {
    /// Types as the query takes them. No name has U+0000.
    pub(crate) fn asked(types: &[(Option<String>, String)]) -> String {
        let item =
            |(schema, name): &(Option<String>, String)| serde_json::json!({"schema": schema, "name": name});
        types.iter().map(item).collect::<serde_json::Value>().to_string()
    }

    pub(crate) fn found(self) -> NamedType {
        NamedType { asked: (self.asked.schema, self.asked.name), full: [self.schema, self.name] }
    }
}

/// A table in a list.
#[derive(Deserialize)]
pub(crate) struct NameRow {
    schema: Option<String>,
    name: String,
    kind: String,
}

/// A table with all that belongs to it.
#[derive(Deserialize)]
pub(crate) struct TableRow {
    schema: Option<String>,
    /// The schema in which it is.
    place: String,
    name: String,
    kind: String,
    comment: Option<String>,
    has_after_triggers: bool,
    is_given_back: bool,
    columns: Option<Vec<ColumnRow>>,
    keys: Option<Vec<KeyRow>>,
    references: Option<Vec<ReferenceRow>>,
}

#[derive(Deserialize)]
struct ColumnRow {
    name: String,
    #[serde(rename = "type")]
    data_type: String,
    kind: String,
    is_system: bool,
    is_ordered: bool,
    has_extremes: bool,
    modifier: i32,
    words: String,
    /// Where it is not the one of its type: its schema and its name.
    collation: Option<[String; 2]>,
    is_not_null: bool,
    default: Option<String>,
    /// `a`: always numbered by the database, `d`: when nothing is given.
    identity: String,
    is_generated: bool,
    labels: Option<Vec<String>>,
    comment: Option<String>,
}

#[derive(Deserialize)]
struct KeyRow {
    name: String,
    is_primary: bool,
    is_unique: bool,
    is_constraint: bool,
    columns: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ReferenceRow {
    name: String,
    schema: Option<String>,
    table: String,
    columns: Vec<String>,
    referenced: Vec<String>,
    on_update: String,
    on_delete: String,
}

/// A row of the catalogue queries.
///
/// # Errors
/// When it is not what is expected.
pub(crate) fn parsed<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json)
        .map_err(|error| Error::internal("the catalogue of the database can't be read").with_detail(error))
}

/// The tables wanted, as the query takes them. One in a catalogue of its own is left out.
pub(crate) fn wanted(tables: &[TableRef]) -> String {
    let item = |table: &TableRef| match table.namespace.as_slice() {
        [] => Some(serde_json::json!({"schema": null, "name": table.name})),
        [schema] => Some(serde_json::json!({"schema": schema, "name": table.name})),
        _ => None,
    };
    let has_nul = |table: &&TableRef| {
        table.name.contains('\0') || table.namespace.iter().any(|part| part.contains('\0'))
    };
    let items: serde_json::Value = tables.iter().filter(|table| !has_nul(table)).filter_map(item).collect();
    items.to_string()
}

fn table_ref(schema: Option<String>, name: String) -> TableRef {
    TableRef { namespace: schema.into_iter().collect(), name }
}

fn table_kind(kind: &str) -> TableKind {
    if matches!(kind, "v" | "m") { TableKind::View } else { TableKind::Table }
}

impl From<NameRow> for TableName {
    fn from(row: NameRow) -> Self {
        Self { kind: table_kind(&row.kind), table: table_ref(row.schema, row.name) }
    }
}

impl NameRow {
    /// Which table it is.
    pub(crate) fn table(self) -> TableRef {
        table_ref(self.schema, self.name)
    }
}

impl TableRow {
    /// The unique keys that are indexes and no constraints.
    pub(crate) fn bare_keys(&self) -> Vec<String> {
        let bare = self.keys.iter().flatten().filter(|key| key.is_unique && !key.is_constraint);
        bare.map(|key| key.name.clone()).collect()
    }

    /// The collations of its columns, where they are not those of their types.
    pub(crate) fn collations(&self) -> Vec<(String, [String; 2])> {
        let columns = self.columns.iter().flatten();
        columns.filter_map(|column| Some((column.name.clone(), column.collation.clone()?))).collect()
    }

    /// What statements have to know of it.
    pub(crate) fn info(&self) -> TableInfo {
        let columns = || self.columns.iter().flatten();
        let is_writable = |column: &&ColumnRow| !column.is_generated && column.identity != "a";
        let keys = || self.keys.iter().flatten();
        let columns_of = |key: &KeyRow| key.columns.clone().unwrap_or_default();
        let key: Vec<_> = keys().find(|key| key.is_primary).map(columns_of).unwrap_or_default();
        TableInfo {
            is_given_back: self.is_given_back,
            checked_by: Some(key.clone()).filter(|key| self.has_after_triggers && !key.is_empty()),
            schema: self.place.clone(),
            columns: columns().map(|row| (row.name.clone(), row.info())).collect(),
            writable: columns().filter(is_writable).map(|row| row.name.clone()).collect(),
            key,
            unique: keys().filter(|key| key.is_unique).map(columns_of).collect(),
        }
    }

    /// Its description.
    pub(crate) fn table(self) -> Table {
        let mut table = Table {
            kind: table_kind(&self.kind),
            table: table_ref(self.schema, self.name),
            columns: self.columns.into_iter().flatten().map(ColumnRow::column).collect(),
            comment: self.comment,
            ..Table::default()
        };
        for key in self.keys.into_iter().flatten() {
            let Some(columns) = key.columns else { continue };
            if key.is_primary {
                table.primary_key = columns;
            } else if key.is_unique {
                table.unique_keys.push(Key { name: key.name, columns });
            } else {
                table.indexes.push(Key { name: key.name, columns });
            }
        }
        table.foreign_keys = self.references.into_iter().flatten().map(ReferenceRow::foreign_key).collect();
        table
    }
}

impl ColumnRow {
    fn info(&self) -> ColumnInfo {
        ColumnInfo {
            class: Class::of(&self.declared()),
            words: self.words.clone(),
            is_ordered: self.is_ordered,
            has_extremes: self.has_extremes,
        }
    }

    fn declared(&self) -> Declared<'_> {
        Declared {
            name: &self.data_type,
            kind: &self.kind,
            is_system: self.is_system,
            is_ordered: self.is_ordered,
            modifier: self.modifier,
            words: &self.words,
        }
    }

    fn column(self) -> Column {
        let described = types::column(&self.name, self.declared());
        let is_numbered = self.default.as_deref().is_some_and(|text| text.starts_with("nextval("));
        Column {
            is_nullable: !self.is_not_null,
            is_auto_increment: is_numbered || !self.identity.is_empty(),
            is_generated: self.is_generated || self.identity == "a",
            default: self.default.as_deref().filter(|_| !is_numbered).and_then(default_value),
            allowed_values: self.labels.unwrap_or_default(),
            comment: self.comment,
            ..described
        }
    }
}

impl ReferenceRow {
    fn foreign_key(self) -> ForeignKey {
        ForeignKey {
            name: self.name,
            columns: self.columns,
            references: table_ref(self.schema, self.table),
            referenced_columns: self.referenced,
            on_update: action(&self.on_update),
            on_delete: action(&self.on_delete),
        }
    }
}

fn action(code: &str) -> Option<String> {
    let words = match code {
        "a" => "NO ACTION",
        "r" => "RESTRICT",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        _ => return None,
    };
    Some(words.to_owned())
}

/// A default is kept as an expression. Plain literals, converted to the column's type or not, are values; `NULL` is no default at all.
fn default_value(text: &str) -> Option<DefaultValue> {
    let literal = text.rsplit_once("::").map_or(text, |(literal, _)| literal);
    let value = match literal {
        "NULL" => return None,
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        number if literal == text => {
            serde_json::from_str::<serde_json::Number>(number).ok().map(serde_json::Value::from)
        }
        _ => None,
    };
    let value = value.or_else(|| quoted(literal).map(serde_json::Value::from));
    Some(value.map_or_else(|| DefaultValue::Expression(text.to_owned()), DefaultValue::Value))
}

/// The text of a literal between single quotes, if that is all there is.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let unquoted = inner.replace("''", "");
    (!unquoted.contains('\'')).then(|| inner.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literal_defaults_are_values_and_others_expressions() {
        let value = |json: serde_json::Value| Some(DefaultValue::Value(json));
        let expression = |text: &str| Some(DefaultValue::Expression(text.to_owned()));
        for (text, expected) in [
            ("NULL::character varying", None),
            ("5", value(json!(5))),
            ("-1.5", value(json!(-1.5))),
            ("'it''s'::text", value(json!("it's"))),
            ("'new'::character varying(10)", value(json!("new"))),
            ("true", value(json!(true))),
            ("CURRENT_TIMESTAMP", expression("CURRENT_TIMESTAMP")),
            ("('a'::text || 'b'::text)", expression("('a'::text || 'b'::text)")),
            ("now()", expression("now()")),
        ] {
            assert_eq!(default_value(text), expected, "{text}");
        }
    }

    #[test]
    fn tables_are_asked_for_by_schema_and_name() {
        let table = |namespace: &[&str], name: &str| TableRef {
            namespace: namespace.iter().map(|part| (*part).to_owned()).collect(),
            name: name.to_owned(),
        };
        let tables = [table(&[], "a\"b"), table(&["s"], "t"), table(&["x", "s"], "t"), table(&[], "a\0")];
        assert_eq!(wanted(&tables), r#"[{"schema":null,"name":"a\"b"},{"schema":"s","name":"t"}]"#);
    }
}
