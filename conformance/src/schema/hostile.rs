//! Texts that want to be more than names, types and values. A table beside them has to stay as it is.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{Change, Column, ColumnType, DefaultValue, Key};

use super::{
    Case, DEFAULTS, NEEDS, Outcome, Peer, bounded, case, change, changed, described, holds, inserted, rows,
    same, table,
};
use crate::ask::text;
use crate::change::End;
use crate::stock::int;

/// Names that each store takes between quotes.
const NAMES: [&str; 14] = [
    "two words",
    "it's",
    "a \"quoted\" name",
    "back`tick",
    "[bracket]",
    "back\\slash",
    "x'; DROP TABLE item; --",
    "x\"); DROP TABLE item; --",
    "x`); DROP TABLE item; --",
    "größe 日本",
    "select",
    "%s {0} $1 ?",
    "/* x */ -- y",
    "a_name_of_sixty_characters_which_is_as_long_as_most_can_take",
];

/// What is no type of any database.
const TYPES: [&str; 22] = [
    "int); drop table item--",
    "int; drop table item",
    "int) --",
    "int -- x",
    "int /* x */",
    "int # x",
    "int not null",
    "int primary key",
    "int default 5",
    "int check (1=1)",
    "int references item(id)",
    "int generated always as (1)",
    "int collate nocase",
    "varchar(40), \"x\" int",
    "varchar(40",
    "varchar(select 1)",
    "varchar(40))",
    "enum('a",
    "enum('a'); drop table item --')",
    "\"int",
    "int\u{0}",
    "no such type",
];

/// What is no default of any database.
const DEFAULTS_REFUSED: [&str; 16] = [
    "(select 1)",
    "(select max(id) from item)",
    "1); drop table item--",
    "now(); drop table item",
    "now() -- x",
    "now() /* x */",
    "'a' || 'b'",
    "'a",
    "pg_sleep(10)",
    "sleep(10)",
    "load_extension('x')",
    "current_timestamp, x int",
    "current_timestamp) --",
    "current_user()",
    "readfile('/etc/passwd')",
    "",
];

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("hostile_names_are_names", NEEDS, names),
        case("names_that_can_not_be_are_refused", NEEDS, no_names),
        case("what_is_no_type_is_refused_and_changes_nothing", NEEDS, types),
        case("what_is_no_default_is_refused_and_changes_nothing", DEFAULTS, defaults),
    ]
}

async fn names(peer: Arc<Peer>) -> Outcome {
    for name in NAMES {
        let mut made = table(&peer, name, vec![bounded(name, 40)]);
        made.indexes = vec![Key { name: format!("{name}_i"), columns: vec![name.to_owned()] }];
        let made = change(&peer, vec![Change::CreateTable(made)]).await?;
        same(name, &made, &vec![End::Done])?;
        inserted(&peer, name, &["id", name], vec![int(1), text("x")]).await?;
        let column = Column::new(format!("{name}2").chars().skip(1).collect::<String>(), ColumnType::Integer);
        let second = column.name.clone();
        let drop = Change::DropColumn { table: peer.name(name), name: second.clone() };
        changed(&peer, vec![Change::AddColumn { table: peer.name(name), column }]).await?;
        same(name, &rows(&peer, name, &["id", name, &second]).await?.len(), &1)?;
        let key = Change::DropKey { table: peer.name(name), name: format!("{name}_i"), is_unique: false };
        changed(&peer, vec![drop, key, Change::DropTable(peer.name(name))]).await?;
        same(name, &described(&peer, &peer.name(name)).await?, &None)?;
    }
    peer.check_usable().await
}

/// A change that has to be refused as one that makes no sense.
async fn invalid(peer: &Peer, what: &str, refused: Change) -> Outcome {
    let ends = change(peer, vec![refused]).await?;
    let is_refused = matches!(ends.as_slice(), [End::Failed(ErrorKind::InvalidRequest, _)]);
    holds(is_refused, || format!("{what:?}: expected InvalidRequest, found {ends:?}"))
}

async fn no_names(peer: Arc<Peer>) -> Outcome {
    for name in ["", "a\u{0}b", "a\nb"] {
        let column = Column::new(name, ColumnType::Integer);
        invalid(&peer, name, Change::CreateTable(table(&peer, name, vec![]))).await?;
        invalid(&peer, name, Change::CreateTable(table(&peer, "made_of_no_name", vec![column]))).await?;
    }
    peer.check_usable().await
}

async fn types(peer: Arc<Peer>) -> Outcome {
    super::made(&peer, "made_canary", vec![]).await?;
    inserted(&peer, "made_canary", &["id"], vec![int(1)]).await?;
    for native in TYPES {
        let column =
            || Column { native_type: native.to_owned(), ..Column::new("value", ColumnType::Integer) };
        invalid(&peer, native, Change::CreateTable(table(&peer, "made_hostile", vec![column()]))).await?;
        invalid(&peer, native, Change::AddColumn { table: peer.name("made_canary"), column: column() })
            .await?;
        let id = Column { name: "id".to_owned(), is_nullable: false, ..column() };
        invalid(&peer, native, Change::AlterColumn { table: peer.name("made_canary"), column: id }).await?;
    }
    untouched(&peer, "made_hostile", "made_canary").await
}

async fn defaults(peer: Arc<Peer>) -> Outcome {
    super::made(&peer, "made_canary_of_defaults", vec![]).await?;
    inserted(&peer, "made_canary_of_defaults", &["id"], vec![int(1)]).await?;
    for expression in DEFAULTS_REFUSED {
        let default = Some(DefaultValue::Expression(expression.to_owned()));
        let column = Column { default, ..bounded("value", 40) };
        let new = table(&peer, "made_hostile_by_default", vec![column.clone()]);
        invalid(&peer, expression, Change::CreateTable(new)).await?;
        let ends =
            change(&peer, vec![Change::AddColumn { table: peer.name("made_canary_of_defaults"), column }])
                .await?;
        let is_refused =
            matches!(ends.as_slice(), [End::Failed(ErrorKind::InvalidRequest | ErrorKind::Unsupported, _)]);
        holds(is_refused, || format!("{expression}: expected a refusal, found {ends:?}"))?;
    }
    untouched(&peer, "made_hostile_by_default", "made_canary_of_defaults").await
}

/// No table was made, and the other one is as before.
async fn untouched(peer: &Peer, hostile: &str, canary: &str) -> Outcome {
    same("the hostile table", &described(peer, &peer.name(hostile)).await?, &None)?;
    same("rows of the canary", &rows(peer, canary, &["id"]).await?, &vec![vec![int(1)]])?;
    let columns = super::there(peer, canary).await?.columns.len();
    same("columns of the canary", &columns, &1)?;
    peer.check_usable().await
}
