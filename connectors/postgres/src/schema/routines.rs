//! Procedures and functions as the catalogue has them: one query for all overloads, each row a JSON object.

use connector_api::author::{
    ArgumentDirection, Column, DefaultValue, ResultSets, Routine, RoutineKind, RoutineParameter, TableRef,
};
use serde::Deserialize;

use super::{default_value, table_ref};
use crate::types::{self, Class, Declared};

/// `$1` is the schema whose routines have no prefix, `$2` whether those of others count too, as for tables; `$3` the name of the only
/// routine that is wanted, or null. What belongs to an extension is not listed, and neither is what no statement can call: triggers, and
/// what takes values of any type. Parts of a routine are 1: its parameters, 2: the columns of the composite type that it gives, 3: what it
/// gives. Domains are resolved through two levels.
pub(crate) const ROUTINES: &str = "
    SELECT json_build_object(
        'schema', NULLIF(n.nspname, home.name), 'place', n.nspname, 'name', p.proname,
        'id', pg_get_function_identity_arguments(p.oid),
        'is_set', p.proretset, 'is_read_only', p.provolatile <> 'v',
        'comment', obj_description(p.oid, 'pg_proc'),
        'parts', (
            SELECT json_agg(json_build_object(
                'name', v.name, 'mode', v.mode, 'default', v.preset,
                'type', base.typname, 'kind', base.typtype,
                'is_system', base.typnamespace = 'pg_catalog'::regnamespace,
                'modifier', GREATEST(v.modifier, t.typtypmod, d1.typtypmod),
                'words', format_type(t.oid, v.modifier),
                'type_schema', tn.nspname, 'type_name', t.typname,
                'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)
                           FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = base.oid)) ORDER BY v.part, v.place)
            FROM (
                SELECT 1 AS part, a.place, COALESCE(p.proargnames[a.place], '') AS name,
                    COALESCE(p.proargmodes[a.place]::text, 'i') AS mode, a.type, -1 AS modifier,
                    pg_get_function_arg_default(p.oid, a.place::int) AS preset
                FROM unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS a(type, place)
                UNION ALL
                SELECT 2, c.attnum, c.attname, 'c', c.atttypid, c.atttypmod, NULL
                FROM pg_catalog.pg_attribute AS c
                WHERE c.attrelid = r.typrelid AND c.attnum > 0 AND NOT c.attisdropped
                UNION ALL
                SELECT 3, 0, p.proname, 'r', p.prorettype, -1, NULL WHERE p.prokind <> 'p') AS v
            JOIN pg_catalog.pg_type AS t ON t.oid = v.type
            JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
            LEFT JOIN pg_catalog.pg_type AS d1 ON t.typtype = 'd' AND d1.oid = t.typbasetype
            LEFT JOIN pg_catalog.pg_type AS d2 ON d1.typtype = 'd' AND d2.oid = d1.typbasetype
            JOIN pg_catalog.pg_type AS base ON base.oid = COALESCE(d2.oid, d1.oid, t.oid))
    )::text
    FROM (SELECT COALESCE($1::text, current_schema())::name AS name) AS home, pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    LEFT JOIN pg_catalog.pg_type AS r ON r.oid = p.prorettype
    WHERE p.prokind IN ('f', 'p')
      AND (n.nspname = home.name OR $2::boolean)
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND ($3::name IS NULL OR p.proname = $3::name)
      AND (r.oid IS NULL OR r.typtype <> 'p' OR r.typname IN ('void', 'record'))
      AND NOT EXISTS (
          SELECT FROM unnest(p.proargtypes::oid[]) AS a(type)
          JOIN pg_catalog.pg_type AS t ON t.oid = a.type WHERE t.typtype = 'p')
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS d
          WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    ORDER BY n.nspname <> home.name, n.nspname, p.proname, p.oid";

/// A routine.
#[derive(Deserialize)]
pub(crate) struct RoutineRow {
    schema: Option<String>,
    /// The schema in which it is.
    place: String,
    name: String,
    /// `None`: it was dropped while the catalogue was read, and the server's functions know nothing of it any more.
    id: Option<String>,
    is_set: bool,
    is_read_only: bool,
    comment: Option<String>,
    parts: Option<Vec<Part>>,
}

/// A parameter, a column, or the value of a routine.
#[derive(Deserialize)]
struct Part {
    name: String,
    /// `i`: in, `o`: out, `b`: both, `v`: any number, `t`: a column of its table, `c`: a column of its type, `r`: what it gives.
    mode: String,
    default: Option<String>,
    #[serde(rename = "type")]
    data_type: String,
    kind: String,
    is_system: bool,
    modifier: i32,
    words: String,
    type_schema: String,
    type_name: String,
    labels: Option<Vec<String>>,
}

/// What a routine gives, and so how it is called.
enum Gives<'a> {
    /// A row with the OUT values of a procedure.
    Outs,
    /// A row with the OUT values of a function.
    Row(Vec<(String, &'a Part)>),
    /// Rows.
    Rows(Vec<(String, &'a Part)>),
    /// Rows of which nobody knows the columns.
    Unknown,
    /// Cursors that it has opened.
    Cursors,
    /// Nothing.
    Nothing,
    /// A value.
    Value(&'a Part),
}

/// How a routine is called, and what comes of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// As a procedure: it gives one row with these values, or none when there are none.
    Call(Vec<Out>),
    /// For its value; `None`: it has none.
    Value(Option<Class>),
    /// For rows with these columns.
    Rows(Vec<Out>),
    /// The same, and the only row has its OUT values.
    Row(Vec<Out>),
    /// For rows of which nobody knows the columns.
    Unknown,
    /// For the names of cursors, whose rows are its result sets.
    Cursors,
}

/// A value that comes out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Out {
    pub(crate) name: String,
    pub(crate) class: Class,
}

/// What a call has to know of a routine.
pub(crate) struct RoutineInfo {
    /// With the schema in which it is.
    pub(crate) routine: TableRef,
    pub(crate) how: How,
    /// In the order of its description.
    pub(crate) parameters: Vec<ParameterInfo>,
}

/// A parameter.
pub(crate) struct ParameterInfo {
    /// Empty: it has none.
    pub(crate) name: String,
    pub(crate) direction: ArgumentDirection,
    /// The name of its type in the catalogue.
    pub(crate) data_type: TableRef,
    pub(crate) class: Class,
    pub(crate) is_variadic: bool,
    pub(crate) has_default: bool,
}

impl RoutineRow {
    /// The name by which requests know it.
    pub(crate) fn name(&self) -> TableRef {
        table_ref(self.schema.clone(), self.name.clone())
    }

    /// Tells it from its overloads; `None`: it is gone.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn parts<'a>(&'a self, modes: &'a [&str]) -> impl Iterator<Item = &'a Part> {
        self.parts.iter().flatten().filter(|part| modes.contains(&part.mode.as_str()))
    }

    /// What callers give and get by name. The OUT parameters of a function that gives many rows are the columns of these.
    fn parameters(&self) -> impl Iterator<Item = &Part> {
        self.parts(if self.is_set { &["i", "b", "v"] } else { &["i", "o", "b", "v"] })
    }

    /// The values that come out by name.
    fn outs(&self) -> Vec<(String, &Part)> {
        named(self.parts(if self.is_set { &["o", "b", "t"] } else { &["o", "b"] }))
    }

    fn gives(&self) -> Gives<'_> {
        let Some(value) = self.parts(&["r"]).next() else { return Gives::Outs };
        let (outs, columns) = (self.outs(), named(self.parts(&["c"])));
        match value.data_type.as_str() {
            _ if !outs.is_empty() && self.is_set => Gives::Rows(outs),
            _ if !outs.is_empty() => Gives::Row(outs),
            _ if !columns.is_empty() => Gives::Rows(columns),
            "record" if value.is_system => Gives::Unknown,
            "refcursor" if value.is_system => Gives::Cursors,
            "void" if value.is_system => Gives::Nothing,
            _ if self.is_set => Gives::Rows(vec![(self.name.clone(), value)]),
            _ => Gives::Value(value),
        }
    }

    /// What a call has to know of it.
    pub(crate) fn info(&self) -> RoutineInfo {
        let outs = |parts: Vec<(String, &Part)>| {
            parts.into_iter().map(|(name, part)| Out { name, class: part.class() }).collect()
        };
        RoutineInfo {
            routine: TableRef { namespace: vec![self.place.clone()], name: self.name.clone() },
            how: match self.gives() {
                Gives::Outs => How::Call(outs(self.outs())),
                Gives::Row(parts) => How::Row(outs(parts)),
                Gives::Rows(parts) => How::Rows(outs(parts)),
                Gives::Unknown => How::Unknown,
                Gives::Cursors => How::Cursors,
                Gives::Nothing => How::Value(None),
                Gives::Value(part) => How::Value(Some(part.class())),
            },
            parameters: self.parameters().map(Part::info).collect(),
        }
    }

    /// Its description. A function that has OUT values or gives nothing is called for what it does.
    pub(crate) fn described(self) -> Routine {
        let gives = self.gives();
        let mut routine = Routine {
            routine: self.name(),
            id: self.id.clone(),
            kind: match gives {
                Gives::Outs | Gives::Row(_) | Gives::Nothing => RoutineKind::Procedure,
                Gives::Rows(_) | Gives::Unknown | Gives::Cursors | Gives::Value(_) => RoutineKind::Function,
            },
            sets: match gives {
                Gives::Rows(_) | Gives::Unknown => ResultSets::One,
                Gives::Cursors => ResultSets::Unknown,
                _ => ResultSets::None,
            },
            is_read_only: self.is_read_only,
            comment: self.comment.clone(),
            ..Routine::default()
        };
        match &gives {
            Gives::Rows(parts) => {
                routine.columns = parts.iter().map(|(name, part)| part.column(name)).collect();
            }
            Gives::Value(part) => routine.returns = Some(part.column(&part.name)),
            _ => {}
        }
        let mut outs = self.outs().into_iter().filter(|_| !self.is_set);
        routine.parameters = self.parameters().map(|part| part.parameter(&mut outs)).collect();
        routine
    }
}

/// Values that come out, those without a name under the one that the server gives them.
fn named<'a>(parts: impl Iterator<Item = &'a Part>) -> Vec<(String, &'a Part)> {
    let name = |(place, part): (usize, &Part)| match part.name.as_str() {
        "" => format!("column{}", place + 1),
        name => name.to_owned(),
    };
    parts.enumerate().map(|(place, part)| (name((place, part)), part)).collect()
}

impl Part {
    fn class(&self) -> Class {
        Class::of(&self.declared())
    }

    fn declared(&self) -> Declared<'_> {
        Declared {
            name: &self.data_type,
            kind: &self.kind,
            is_system: self.is_system,
            // Nothing is compared with it.
            is_ordered: true,
            modifier: self.modifier,
            words: &self.words,
        }
    }

    fn direction(&self) -> ArgumentDirection {
        match self.mode.as_str() {
            "o" => ArgumentDirection::Out,
            "b" => ArgumentDirection::InOut,
            _ => ArgumentDirection::In,
        }
    }

    fn column(&self, name: &str) -> Column {
        Column {
            default: self.default.as_deref().map(preset),
            allowed_values: self.labels.clone().unwrap_or_default(),
            ..types::column(name, self.declared())
        }
    }

    /// One whose value comes out has the name under which it does.
    fn parameter<'a>(&self, outs: &mut impl Iterator<Item = (String, &'a Self)>) -> RoutineParameter {
        let direction = self.direction();
        let out = if direction == ArgumentDirection::In { None } else { outs.next() };
        let name = out.map_or_else(|| self.name.clone(), |(name, _)| name);
        RoutineParameter { direction, column: self.column(&name) }
    }

    fn info(&self) -> ParameterInfo {
        ParameterInfo {
            name: self.name.clone(),
            direction: self.direction(),
            data_type: TableRef { namespace: vec![self.type_schema.clone()], name: self.type_name.clone() },
            class: self.class(),
            is_variadic: self.mode == "v",
            has_default: self.default.is_some(),
        }
    }
}

/// A default. Null is one, too: a parameter that has it may be left out.
fn preset(text: &str) -> DefaultValue {
    default_value(text).unwrap_or_else(|| DefaultValue::Expression(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::parsed;

    fn part(name: &str, mode: &str, data_type: &str) -> serde_json::Value {
        json!({"name": name, "mode": mode, "default": null, "type": data_type, "kind": "b", "is_system": true, "modifier": -1,
               "words": data_type, "type_schema": "pg_catalog", "type_name": data_type, "labels": null})
    }

    fn row(is_set: bool, parts: &[serde_json::Value]) -> RoutineRow {
        let row = json!({"schema": null, "place": "public", "name": "f", "id": "",
                         "is_set": is_set, "is_read_only": false, "comment": null, "parts": parts});
        parsed(&row.to_string()).unwrap()
    }

    fn check(row: RoutineRow, how: &How, kind: RoutineKind, parameters: &[&str], columns: &[&str]) {
        assert_eq!(row.info().how, *how);
        let routine = row.described();
        let names = |columns: Vec<&Column>| -> Vec<String> {
            columns.into_iter().map(|column| column.name.clone()).collect()
        };
        let found = routine.parameters.iter().map(|parameter| &parameter.column).collect();
        assert_eq!(
            (routine.kind, names(found)),
            (kind, parameters.iter().map(ToString::to_string).collect())
        );
        assert_eq!(names(routine.columns.iter().collect()), columns);
    }

    #[test]
    fn what_a_routine_gives_says_how_it_is_called() {
        use RoutineKind::{Function, Procedure};
        let out = |name: &str, class| Out { name: name.to_owned(), class };
        let (a, b) = (part("a", "i", "int4"), part("b", "o", "text"));
        let given = |data_type| part("f", "r", data_type);
        let text = || vec![out("b", Class::Text)];
        check(row(false, &[a.clone(), b.clone()]), &How::Call(text()), Procedure, &["a", "b"], &[]);
        check(
            row(false, &[a.clone(), b.clone(), given("text")]),
            &How::Row(text()),
            Procedure,
            &["a", "b"],
            &[],
        );
        check(row(true, &[a.clone(), b, given("text")]), &How::Rows(text()), Function, &["a"], &["b"]);
        check(row(false, &[a.clone(), given("void")]), &How::Value(None), Procedure, &["a"], &[]);
        check(row(false, &[given("int4")]), &How::Value(Some(Class::Integer)), Function, &[], &[]);
        check(row(true, &[given("int4")]), &How::Rows(vec![out("f", Class::Integer)]), Function, &[], &["f"]);
        check(row(true, &[given("record")]), &How::Unknown, Function, &[], &[]);
        check(row(true, &[given("refcursor")]), &How::Cursors, Function, &[], &[]);
        let columns = [part("x", "c", "int4"), part("y", "c", "text"), given("t")];
        let both = vec![out("x", Class::Integer), out("y", Class::Text)];
        check(row(false, &columns), &How::Rows(both), Function, &[], &["x", "y"]);
        let unnamed = [part("", "i", "int4"), part("", "b", "int4"), part("", "o", "text")];
        let names = vec![out("column1", Class::Integer), out("column2", Class::Text)];
        check(row(false, &unnamed), &How::Call(names), Procedure, &["", "column1", "column2"], &[]);
    }
}
