//! The archive: complete, honest about what is inside, the same each time, and of use on a bare machine.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use conformance::prepare::Prepared;
use conformance::tables::Stored;
use connector_api::model::{Column, ColumnType, Value};
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::clone_folder;
use toml::Table;

use crate::packed::{self, Unpacked, archive, files, output, pack_again};
use crate::process::{Gateway, KEY};

#[test]
fn each_file_has_the_digest_that_is_told() {
    let unpacked = Unpacked::new();
    output(
        Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(unpacked.path()),
    );
    let sums = std::fs::read_to_string(unpacked.path().join("SHA256SUMS")).unwrap();
    let told: BTreeSet<_> =
        sums.lines().map(|line| unpacked.path().join(line.split("  ").nth(1).unwrap())).collect();
    let there: BTreeSet<_> =
        files(&unpacked.path()).into_iter().filter(|path| !path.ends_with("SHA256SUMS")).collect();
    assert_eq!(told, there);
    output(
        Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet"])
            .arg(format!("{}.sha256", archive().display()))
            .current_dir(archive().parent().unwrap()),
    );
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, first) in [("archive", archive()), ("deb", packed::package())] {
        pack_again(kind, folder.path());
        let second = folder.path().join(first.file_name().unwrap());
        assert!(std::fs::read(&first).unwrap() == std::fs::read(second).unwrap(), "{kind} differs");
    }
}

/// Folders of the machine that packs.
fn machine_folders() -> Vec<String> {
    let suite = std::env::current_exe().unwrap();
    let mut folders = vec![clone_folder(), suite.ancestors().nth(3).unwrap().to_path_buf()];
    let from =
        |variable, inside: &str| Some(std::path::PathBuf::from(std::env::var_os(variable)?).join(inside));
    folders.extend(
        [from("HOME", ".cargo"), from("HOME", ".rustup"), from("CARGO_HOME", "")].into_iter().flatten(),
    );
    folders.iter().map(|folder| folder.to_str().unwrap().trim_end_matches('/').to_owned()).collect()
}

#[test]
fn no_file_holds_a_path_of_the_machine_that_packed_it() {
    for path in files(&Unpacked::new().path()) {
        let bytes = std::fs::read(&path).unwrap();
        for folder in machine_folders() {
            let found = bytes.windows(folder.len()).any(|window| window == folder.as_bytes());
            assert!(!found, "{} holds {folder}", path.display());
        }
    }
}

fn bill() -> Json {
    serde_json::from_slice(&std::fs::read(Unpacked::new().path().join("sbom.cdx.json")).unwrap()).unwrap()
}

/// Name and version of each component that comes from the registry, with its digest.
fn crates(bill: &Json) -> BTreeMap<(String, String), String> {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let components =
        bill["components"].as_array().unwrap().iter().filter(|component| component.get("hashes").is_some());
    components
        .map(|found| ((text(&found["name"]), text(&found["version"])), text(&found["hashes"][0]["content"])))
        .collect()
}

#[test]
fn the_bill_of_materials_has_what_the_lock_file_has() {
    let lock: Table = std::fs::read_to_string(clone_folder().join("Cargo.lock")).unwrap().parse().unwrap();
    let text = |package: &toml::Value, key| {
        package.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned()
    };
    let locked: BTreeMap<_, _> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| ((text(package, "name"), text(package, "version")), text(package, "checksum")))
        .collect();
    let billed = crates(&bill());
    assert!(billed.len() > 100, "{} crates", billed.len());
    for (key, digest) in billed {
        assert_eq!(locked.get(&key), Some(&digest), "{key:?}");
    }
}

/// Paths of sources in a library or program tell which crates are in it, whatever cargo says.
fn crates_seen(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes);
    let paths = text.split("/cargo/registry/src/").skip(1);
    paths.map(|path| path.split('/').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn the_bill_of_materials_and_the_notices_have_every_crate_that_is_seen_in_a_binary() {
    let unpacked = Unpacked::new();
    let billed: BTreeSet<_> =
        crates(&bill()).into_keys().map(|(name, version)| format!("{name}-{version}")).collect();
    let notices = std::fs::read_to_string(unpacked.path().join("THIRD-PARTY-NOTICES.txt")).unwrap();
    let mut seen = crates_seen(&std::fs::read(unpacked.path().join("tablegate")).unwrap());
    for library in files(&unpacked.path().join("plugins")) {
        seen.extend(crates_seen(&std::fs::read(library).unwrap()));
    }
    assert!(seen.len() > 50, "{seen:?}");
    assert!(seen.is_subset(&billed), "not in the bill: {:?}", seen.difference(&billed));
    for (name, version) in crates(&bill()).keys() {
        assert!(
            notices.contains(&format!("\n  {name} {version}: ")),
            "{name} {version} is not in the notices"
        );
    }
}

#[test]
fn the_bill_of_materials_holds_together() {
    let bill = bill();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&json!("CycloneDX"), &json!("1.5")));
    let components = bill["components"].as_array().unwrap();
    let refs: BTreeSet<&str> =
        components.iter().map(|component| component["bom-ref"].as_str().unwrap()).collect();
    assert_eq!(refs.len(), components.len(), "a reference stands twice");
    for component in components {
        for key in ["type", "name", "version"] {
            assert!(component[key].is_string(), "{component}");
        }
        assert!(component["licenses"][0]["expression"].is_string(), "{component}");
    }
    let dependencies = bill["dependencies"].as_array().unwrap();
    let used: BTreeSet<&str> = dependencies
        .iter()
        .flat_map(|from| from["dependsOn"].as_array().unwrap())
        .map(|to| to.as_str().unwrap())
        .collect();
    assert_eq!(used, refs, "everything is used by something, and all that is used is there");
}

#[test]
fn what_is_linked_and_no_crate_is_told_too() {
    let unpacked = Unpacked::new();
    let notices = std::fs::read_to_string(unpacked.path().join("THIRD-PARTY-NOTICES.txt")).unwrap();
    let bill = bill();
    let purl = |component: &Json| component["purl"].as_str().unwrap_or_default().to_owned();
    let others: Vec<String> = bill["components"].as_array().unwrap().iter().map(purl).collect();
    let others: Vec<&str> = others.iter().filter_map(|purl| purl.strip_prefix("pkg:generic/")).collect();
    assert!(!others.is_empty(), "the standard library at least");
    for other in others {
        assert!(
            notices.contains(&format!("\n  {}", other.replace('@', " "))),
            "{other} is not in the notices"
        );
    }
}

/// A table with one row, in each store.
fn greeting() -> Stored {
    let columns = vec![Column::new("id", ColumnType::Integer), Column::new("word", ColumnType::Text)];
    Stored::new("greeting", columns, vec![vec![Value::I64(7), Value::Text("hello".into())]])
}

/// A service on this store, in a file of its own.
fn service(fixture: &Fixture, store: &Prepared) -> String {
    let service = json!({"services": [{"name": fixture.name, "type": fixture.facts.service_type, "config": store.config}]});
    toml::to_string(&service).unwrap()
}

const ROLE: &str = r#"
[[roles]]
name = "reader"
access = [{ service = "*", component = "*", verbs = ["GET"] }]

[[apps]]
name = "dashboard"
role = "reader"
api_key = "${env:DASHBOARD_KEY}"
"#;

#[test]
fn unpacked_and_started_as_it_is_the_gateway_is_up_and_denies_everything() {
    let unpacked = Unpacked::new();
    let gateway = Gateway::start(Command::new("./tablegate").arg("serve").current_dir(unpacked.path()));
    gateway.is_up_and_denies();
}

#[test]
fn a_bare_machine_reads_a_row_through_each_connector() {
    let unpacked = Unpacked::new();
    let connectors = unpacked.connectors();
    let mut fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
    fixtures.retain(|fixture| connectors.contains(&fixture.connector));
    let tested: BTreeSet<&String> = fixtures.iter().map(|fixture| &fixture.connector).collect();
    assert_eq!(tested, connectors.iter().collect(), "each connector has a store");
    let services = unpacked.path().join("config/services.d");
    std::fs::create_dir(&services).unwrap();
    std::fs::write(services.join("role.toml"), ROLE).unwrap();
    let mut stores = Vec::new();
    for fixture in &fixtures {
        let store = fixture.start(fixture.versions.first().unwrap(), &[greeting()]).unwrap();
        std::fs::write(services.join(format!("{}.toml", fixture.name)), service(fixture, &store)).unwrap();
        stores.push(store);
    }
    let gateway = Gateway::start(Command::new("./tablegate").arg("serve").current_dir(unpacked.path()));
    for fixture in &fixtures {
        let table = fixture.facts.name("greeting");
        let (status, body) =
            gateway.get(&format!("/api/v2/{}/_table/{table}?filter=id%20%3D%207", fixture.name));
        let read: Json =
            serde_json::from_str(&body).unwrap_or_else(|error| panic!("{}: {body}: {error}", fixture.name));
        assert_eq!(
            (status, &read["resource"][0]["word"]),
            (200, &json!("hello")),
            "{}: {body}",
            fixture.name
        );
        assert!(!body.contains(KEY));
    }
}
