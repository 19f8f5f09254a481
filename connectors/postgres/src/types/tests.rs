//! Which neutral type each type of the catalogue becomes.

use super::*;

fn described(name: &str, kind: &str, is_system: bool, modifier: i32) -> Column {
    column("c", Declared { name, kind, is_system, is_ordered: name != "xml", modifier, words: "" })
}

#[test]
fn types_of_the_catalogue_become_neutral_ones() {
    use ColumnType::*;
    for (name, kind, is_system, expected) in [
        ("bool", "b", true, Boolean),
        ("int2", "b", true, Integer),
        ("int8", "b", true, BigInt),
        ("oid", "b", true, BigInt),
        ("numeric", "b", true, Decimal),
        ("money", "b", true, Decimal),
        ("float4", "b", true, Float),
        ("float8", "b", true, Double),
        ("text", "b", true, Text),
        ("varchar", "b", true, Text),
        ("name", "b", true, String),
        ("bytea", "b", true, Binary),
        ("date", "b", true, Date),
        ("time", "b", true, Time),
        ("timetz", "b", true, String),
        ("timestamp", "b", true, DateTime),
        ("timestamptz", "b", true, Timestamp),
        ("uuid", "b", true, Uuid),
        ("json", "b", true, Json),
        ("jsonb", "b", true, Json),
        ("_int4", "b", true, Array),
        ("_inet", "b", true, Array),
        ("inet", "b", true, String),
        ("interval", "b", true, String),
        ("int4range", "r", true, String),
        ("xml", "b", true, Text),
        ("mood", "e", false, String),
        ("_mood", "b", false, Array),
        ("citext", "b", false, Text),
        ("_pair", "c", false, String),
        ("pair", "c", false, String),
        // A type of somebody's own may have the name of one of the server's.
        ("int4", "c", false, String),
    ] {
        assert_eq!(described(name, kind, is_system, -1).data_type, expected, "{name}");
    }
}

#[test]
fn sizes_are_read_off_the_modifier() {
    let sizes = |name, modifier| {
        let column = described(name, "b", true, modifier);
        (column.length, column.precision, column.scale)
    };
    assert_eq!(sizes("varchar", 44), (Some(40), None, None));
    assert_eq!(sizes("bit", 3), (Some(3), None, None));
    assert_eq!(sizes("numeric", ((10 << 16) | 2) + 4), (None, Some(10), Some(2)));
    assert_eq!(sizes("numeric", ((3 << 16) | 0x7fe) + 4), (None, Some(3), Some(-2)));
    assert_eq!(sizes("numeric", -1), (None, None, None));
    assert_eq!(described("varchar", "b", true, 44).data_type, ColumnType::String);
}
