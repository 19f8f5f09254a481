//! Tests of extras: their file, and what happens to it.

use serde_json::json;

use super::*;

fn extras() -> TableExtras {
    let make = FieldExtras {
        label: Some("Maker".to_owned()),
        picklist: Some(vec!["a".to_owned(), "b \"c\"".to_owned()]),
        validation: json!({ "not_empty": {}, "int": { "range": { "min": 1, "max": 2 } } })
            .as_object()
            .cloned(),
        ..FieldExtras::default()
    };
    let key = FieldExtras { is_primary_key: true, ..FieldExtras::default() };
    let fields = [("make.x".to_owned(), make), ("id".to_owned(), key)];
    TableExtras { label: Some("Truck".to_owned()), fields: fields.into(), ..TableExtras::default() }
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), |_| Ok(()));
    let written = store.load("Shop").unwrap();
    written.change("sales.trucks", |_| extras()).unwrap();
    assert_eq!(written.table("sales.trucks"), Some(extras()));
    let again = Store::new(folder.path(), |_| Ok(())).load("shop").unwrap();
    assert_eq!(again.tables(), written.tables());
    assert_eq!(again.table("sales.trucks").unwrap().key(), ["id"]);
}

#[test]
fn a_file_reads_as_a_person_would_write_it() {
    let text = document::written(&Tables::from([("trucks".to_owned(), extras())])).unwrap();
    let (_, body) = text.split_once("\n\n").unwrap_or(("", &text));
    assert!(body.contains("[tables.trucks]\nlabel = \"Truck\"\n"), "{text}");
    assert!(body.contains("[tables.trucks.fields.id]\nis_primary_key = true\n"), "{text}");
    assert!(body.contains("int = { range = { min = 1, max = 2 } }"), "{text}");
}

#[test]
fn what_a_person_changed_counts_when_it_is_loaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), |_| Ok(()));
    let held = store.load("shop").unwrap();
    held.change("trucks", |_| extras()).unwrap();
    std::fs::write(folder.path().join("extras/shop.toml"), "[tables.trucks]\nlabel = \"Lorry\"\n").unwrap();
    assert_eq!(held.table("trucks"), Some(extras()));
    store.load("shop").unwrap();
    assert_eq!(held.table("trucks").unwrap().label.as_deref(), Some("Lorry"));
}

#[test]
fn a_file_that_is_wrong_is_refused_and_what_was_known_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), |_| Ok(()));
    let held = store.load("shop").unwrap();
    held.change("trucks", |_| extras()).unwrap();
    for text in ["[tables.trucks]\nlable = \"x\"\n", "[tables", "[tables.trucks]\nlabel = 1\n"] {
        std::fs::write(folder.path().join("extras/shop.toml"), text).unwrap();
        let problem = store.load("shop").unwrap_err().to_string();
        assert!(problem.contains("shop.toml: "), "{problem}");
        assert_eq!(held.table("trucks"), Some(extras()), "{text}");
    }
}

#[test]
fn what_a_person_wrote_is_not_overwritten_before_it_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), |_| Ok(()));
    let held = store.load("shop").unwrap();
    let (path, text) = (folder.path().join("extras/shop.toml"), "[tables.trucks]\nlabel = \"Lorry\"\n");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    assert!(held.check().unwrap_err().is_unread());
    assert!(held.change("cars", |_| extras()).unwrap_err().is_unread());
    assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), held.tables().len()), (text, 0));
    store.load("shop").unwrap();
    held.check().unwrap();
    held.change("cars", |_| extras()).unwrap();
    held.change("vans", |_| extras()).unwrap();
    assert_eq!(held.tables().len(), 3);
}

#[test]
fn what_could_never_be_read_is_not_known_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), |_| Ok(()));
    let path = folder.path().join("extras/shop.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "[tables").unwrap();
    assert!(store.load("shop").is_err());
    let held = store.held("shop");
    assert!(!held.are_known() && held.check().unwrap_err().is_unread());
    std::fs::write(&path, "").unwrap();
    store.load("shop").unwrap();
    assert!(held.are_known() && held.check().is_ok());
}

#[test]
fn what_says_nothing_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let held = Store::new(folder.path(), |_| Ok(())).load("shop").unwrap();
    held.change("trucks", |_| extras()).unwrap();
    held.change("trucks", |_| TableExtras::default()).unwrap();
    assert_eq!(held.tables().len(), 0);
}
