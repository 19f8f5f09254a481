//! Statements of changes.

use connector_api::author::Change;
use connector_sql_common::change::plan;
use connector_sql_common::samples::assert_changes;

use super::*;

#[test]
fn statements_of_changes_are_those_of_the_snapshots() {
    for (is_mariadb, file) in [(false, "changes-mysql.txt"), (true, "changes-mariadb.txt")] {
        let changing = Changing { is_mariadb, ..Changing::default() };
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/translate/statements");
        assert_changes(&changing, &folder.join(file));
    }
}

/// The statements of one change of the column `c` of a table, or why there are none.
fn planned(kept: Kept, current: Column, wanted: Column) -> Result<Vec<String>> {
    let changing = Changing { is_mariadb: true, kept: vec![kept], ..Changing::default() };
    let of = TableRef::new("t");
    let there = Table { table: of.clone(), columns: vec![current], ..Table::default() };
    let steps = plan(&changing, vec![there], &[Change::AlterColumn { table: of, column: wanted }]);
    let steps = steps.map_err(|refused| refused.error)?;
    Ok(steps.iter().map(|step| step.statement.sql().to_owned()).collect())
}

fn altered(kept: Kept, current: Column, wanted: Column) -> Vec<String> {
    planned(kept, current, wanted).unwrap()
}

#[test]
fn an_invisible_column_stays_so_and_one_with_a_check_is_not_written_anew() {
    let kept = Kept { table: TableRef::new("t"), column: "c".to_owned(), ..Kept::default() };
    let of = |words: &str, data_type| Column { native_type: words.to_owned(), ..Column::new("c", data_type) };
    let current = || of("int(11)", ColumnType::Integer);
    assert_eq!(
        altered(Kept { is_invisible: true, ..kept.clone() }, current(), of("bigint", ColumnType::BigInt)),
        ["ALTER TABLE `t` MODIFY COLUMN `c` bigint NULL INVISIBLE"]
    );
    let checked = Kept { is_checked: true, ..kept };
    let refused = planned(checked.clone(), current(), of("bigint", ColumnType::BigInt)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported);
    let default = Some(DefaultValue::Value(5.into()));
    assert_eq!(
        altered(checked, current(), Column { default, ..current() }),
        ["ALTER TABLE `t` ALTER COLUMN `c` SET DEFAULT 5"]
    );
}

#[test]
fn a_column_that_changes_keeps_its_comment_its_collation_and_its_moment() {
    let kept = |collation: Option<&str>, updated| Kept {
        table: TableRef::new("t"),
        column: "c".to_owned(),
        collation: collation.map(str::to_owned),
        updated,
        ..Kept::default()
    };
    let of = |words: &str, data_type| Column {
        native_type: words.to_owned(),
        comment: Some("it's".to_owned()),
        ..Column::new("c", data_type)
    };
    let (short, long) = (of("varchar(5)", ColumnType::String), of("varchar(9)", ColumnType::String));
    assert_eq!(
        altered(kept(Some("utf8mb4_bin"), None), short.clone(), Column { comment: None, ..long }),
        ["ALTER TABLE `t` MODIFY COLUMN `c` varchar(9) NULL COMMENT 'it''s' COLLATE `utf8mb4_bin`"]
    );
    let blob = of("blob", ColumnType::Binary);
    assert_eq!(
        altered(kept(Some("utf8mb4_bin"), None), short, blob),
        ["ALTER TABLE `t` MODIFY COLUMN `c` blob NULL COMMENT 'it''s'"]
    );
    let moment = of("timestamp(3)", ColumnType::Timestamp);
    let required = Column { is_nullable: false, ..moment.clone() };
    assert_eq!(
        altered(kept(None, Some(3)), moment, required),
        [
            "ALTER TABLE `t` MODIFY COLUMN `c` timestamp(3) NOT NULL COMMENT 'it''s' ON UPDATE CURRENT_TIMESTAMP(3)"
        ]
    );
}
