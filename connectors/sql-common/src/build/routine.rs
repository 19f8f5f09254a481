//! Calls of routines, and the variables of a connection through which values come out of them where a database has no other way.
//! What a value is converted to on its way out is the connector's matter: it hands over the words around it.

use connector_api::Result;
use connector_api::model::{Param, TableRef};

use super::{Builder, separated};
use crate::dialect::Dialect;
use crate::statement::{Bind, Form, Statement};

/// An argument as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed<'a> {
    /// The name of its parameter, where it is written with it.
    pub name: Option<&'a str>,
    /// It is the list of all that a parameter takes which takes any number.
    pub is_variadic: bool,
    /// The type that the value gets, by its name in the catalogue. `None`: that of its place.
    pub data_type: Option<&'a TableRef>,
    /// Its value.
    pub value: Given,
}

/// The value of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// A parameter of the request.
    Value(Param),
    /// Null.
    Null,
    /// A variable of the connection, by its number.
    Variable(usize),
}

/// A value that comes out, with the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The column's name.
    pub name: &'a str,
    /// What stands before and behind it.
    pub between: [&'static str; 2],
}

/// The statement that calls a procedure.
///
/// # Errors
/// [`ErrorKind::NotFound`](connector_api::ErrorKind::NotFound) for names that can't exist.
pub fn call(dialect: &dyn Dialect, routine: &TableRef, arguments: &[Passed<'_>]) -> Result<Statement> {
    built(dialect, |to| {
        to.keyword("CALL ");
        to.routine(routine, arguments)
    })
}

/// The statement that reads the value of a function: one row with one column.
///
/// # Errors
/// As [`call`].
pub fn value(
    dialect: &dyn Dialect,
    routine: &TableRef,
    arguments: &[Passed<'_>],
    [before, behind]: [&'static str; 2],
) -> Result<Statement> {
    built(dialect, |to| {
        to.keyword("SELECT ");
        to.keyword(before);
        to.routine(routine, arguments)?;
        to.keyword(behind);
        Ok(())
    })
}

/// The statement that reads the rows of a function, which has these columns, in their order.
///
/// # Errors
/// As [`call`].
pub fn rows(
    dialect: &dyn Dialect,
    routine: &TableRef,
    arguments: &[Passed<'_>],
    columns: &[Wanted<'_>],
) -> Result<Statement> {
    built(dialect, |to| {
        to.keyword("SELECT ");
        separated(to, columns, ", ", |to, column| {
            to.keyword(column.between[0]);
            to.out.ident(column.name)?;
            to.keyword(column.between[1]);
            Ok(())
        })?;
        to.keyword(" FROM ");
        to.routine(routine, arguments)?;
        to.keyword(" AS ");
        to.out.ident(&routine.name)?;
        to.keyword("(");
        separated(to, columns, ", ", |to, column| to.out.ident(column.name))?;
        to.keyword(")");
        Ok(())
    })
}

/// The statement that reads all rows of a cursor that a routine has opened.
///
/// # Errors
/// As [`call`].
pub fn fetch(dialect: &dyn Dialect, cursor: &str) -> Result<Statement> {
    built(dialect, |to| {
        to.keyword("FETCH ALL IN ");
        to.out.ident(cursor)
    })
}

/// The statement that sets variables of the connection.
///
/// # Errors
/// As [`call`].
pub fn set_variables(dialect: &dyn Dialect, values: &[(usize, Given)]) -> Result<Statement> {
    built(dialect, |to| {
        to.keyword("SET ");
        separated(to, values, ", ", |to, (number, value)| {
            to.variable(*number)?;
            to.keyword(" = ");
            to.given(*value)
        })
    })
}

/// The statement that reads variables of the connection: one row.
///
/// # Errors
/// As [`call`].
pub fn variables(dialect: &dyn Dialect, wanted: &[(usize, [&'static str; 2])]) -> Result<Statement> {
    built(dialect, |to| {
        to.keyword("SELECT ");
        separated(to, wanted, ", ", |to, (number, [before, behind])| {
            to.keyword(before);
            to.variable(*number)?;
            to.keyword(behind);
            Ok(())
        })
    })
}

fn built(dialect: &dyn Dialect, write: impl FnOnce(&mut Builder<'_>) -> Result<()>) -> Result<Statement> {
    let form = Form::default();
    let mut to = Builder::new(dialect, &form);
    write(&mut to)?;
    Ok(to.finish())
}

impl Builder<'_> {
    fn routine(&mut self, routine: &TableRef, arguments: &[Passed<'_>]) -> Result<()> {
        self.table(routine)?;
        self.keyword("(");
        separated(self, arguments, ", ", |to, argument| to.passed(argument))?;
        self.keyword(")");
        Ok(())
    }

    fn passed(&mut self, argument: &Passed<'_>) -> Result<()> {
        self.keyword(if argument.is_variadic { "VARIADIC " } else { "" });
        if let Some(name) = argument.name {
            self.out.ident(name)?;
            self.keyword(" => ");
        }
        let Some(data_type) = argument.data_type else { return self.given(argument.value) };
        self.keyword("CAST(");
        self.given(argument.value)?;
        self.keyword(" AS ");
        self.table(data_type)?;
        self.keyword(")");
        Ok(())
    }

    fn given(&mut self, value: Given) -> Result<()> {
        match value {
            Given::Value(param) => self.out.param(Bind::Param(param)),
            Given::Null => self.keyword("NULL"),
            Given::Variable(number) => self.variable(number)?,
        }
        Ok(())
    }

    fn variable(&mut self, number: usize) -> Result<()> {
        self.keyword("@");
        self.out.ident(&format!("tablegate_{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::tests::{Ansi, Backticks};

    const VALUE: Passed<'_> =
        Passed { name: None, is_variadic: false, data_type: None, value: Given::Value(0) };

    fn check(built: Result<Statement>, expected: &str) {
        assert_eq!(built.unwrap().sql(), expected);
    }

    fn routine(name: &str) -> TableRef {
        TableRef { namespace: vec!["s".to_owned()], name: name.to_owned() }
    }

    #[test]
    fn values_are_bound_and_names_are_quoted() {
        let odd = routine("p\"); DROP TABLE t; --");
        check(call(&Ansi, &odd, &[]), r#"CALL "s"."p""); DROP TABLE t; --"()"#);
        let data_type = TableRef::new("in\"t");
        let named = Passed { name: Some("a\"b"), data_type: Some(&data_type), ..VALUE };
        let null = Passed { value: Given::Null, ..named };
        let list = Passed { is_variadic: true, value: Given::Value(1), ..VALUE };
        check(
            value(&Backticks, &routine("f"), &[VALUE, named, null, list], ["abbrev(", ")"]),
            r#"SELECT abbrev(`s`.`f`($1, `a"b` => CAST($2 AS `in"t`), `a"b` => CAST(NULL AS `in"t`), VARIADIC $3))"#,
        );
    }

    #[test]
    fn rows_have_the_columns_that_are_wanted() {
        let columns =
            [Wanted { name: "a", between: ["", "::text"] }, Wanted { name: "b\"", between: [""; 2] }];
        check(
            rows(&Ansi, &routine("f"), &[VALUE], &columns),
            r#"SELECT "a"::text, "b""" FROM "s"."f"(?) AS "f"("a", "b""")"#,
        );
    }

    #[test]
    fn a_cursor_is_read_by_its_name() {
        check(fetch(&Ansi, "<unnamed portal 1>\"; --"), r#"FETCH ALL IN "<unnamed portal 1>""; --""#);
    }

    #[test]
    fn what_comes_out_by_variables_is_set_and_read() {
        check(
            set_variables(&Backticks, &[(1, Given::Value(0)), (2, Given::Null)]),
            "SET @`tablegate_1` = $1, @`tablegate_2` = NULL",
        );
        let variable = Passed { value: Given::Variable(1), ..VALUE };
        check(call(&Backticks, &TableRef::new("p"), &[VALUE, variable]), "CALL `p`($1, @`tablegate_1`)");
        check(
            variables(&Backticks, &[(1, [""; 2]), (2, ["CAST(", " AS DATE)"])]),
            "SELECT @`tablegate_1`, CAST(@`tablegate_2` AS DATE)",
        );
    }
}
