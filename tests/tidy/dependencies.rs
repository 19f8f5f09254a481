//! Who may depend on whom, where versions stand, and what a binary must not link twice.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::clone::{self, Member, TextFile, assert_clean, assert_finds};
use crate::tokens;

/// The names under which members know each other.
const OURS: [&str; 5] =
    ["conformance", "connector_api", "connector-common", "connector-sql-common", "tablegate"];

/// Driver packages, each with the only folder that may use it.
const DRIVERS: &[(&str, &str)] = &[
    ("rusqlite", "connectors/sqlite"),
    ("libsqlite3-sys", "connectors/sqlite"),
    ("tokio-postgres", "connectors/postgres"),
    ("mysql_async", "connectors/mysql"),
    ("rsfbclient", "connectors/firebird"),
    ("mongodb", "connectors/mongodb"),
    ("aws-sdk-dynamodb", "connectors/dynamodb"),
    ("scylla", "connectors/cassandra"),
    ("couchbase", "connectors/couchbase"),
    ("tiberius", "connectors/sqlserver"),
    ("oracle", "connectors/oracle"),
    ("sqlx", "nowhere: it unites all drivers in one crate"),
];

/// The packages that the project is built on: each a direct dependency of a member whose sources use it.
const FOUNDATION: [&str; 9] = [
    "tokio",
    "axum",
    "libloading",
    "abi_stable",
    "serde",
    "serde_json",
    "tracing",
    "tracing-subscriber",
    "figment",
];

const CRYPTO_PROVIDERS: [&str; 4] = ["ring", "aws-lc-rs", "openssl", "boring"];

fn may_use(folder: &str, dependency: &str) -> bool {
    let family = dependency.starts_with("connector-") && dependency.ends_with("-common");
    match folder {
        "connector-api" => false,
        "connectors/common" | "gateway" => dependency == "connector_api",
        "connectors/sql-common" => ["connector_api", "connector-common"].contains(&dependency),
        "cli" => ["conformance", "connector_api", "tablegate"].contains(&dependency),
        "conformance" => ["connector_api", "tablegate"].contains(&dependency),
        "tests" => ["conformance", "connector_api", "tablegate"].contains(&dependency),
        _ => dependency == "connector_api" || family,
    }
}

/// Members that reach into a room they may not use.
fn forbidden_rooms(members: &[Member]) -> Vec<String> {
    let mut findings = Vec::new();
    for member in members {
        for dependency in member.dependencies() {
            let is_ours = OURS.contains(&dependency.name) || dependency.name.starts_with("connector-");
            if is_ours && !may_use(&member.folder, dependency.name) {
                findings.push(format!("{}: may not use {}", member.folder, dependency.name));
            }
        }
    }
    findings
}

/// Drivers outside their connector. The suites may use them to look at a database from outside.
fn forbidden_drivers(members: &[Member]) -> Vec<String> {
    let mut findings = Vec::new();
    for member in members.iter().filter(|member| member.folder != "tests") {
        for dependency in member.dependencies() {
            let Some((driver, home)) = DRIVERS.iter().find(|(name, _)| *name == dependency.name) else {
                continue;
            };
            if member.folder != *home {
                findings.push(format!("{}: {driver} belongs to {home}", member.folder));
            }
        }
    }
    findings
}

/// Dependencies whose version does not come from the table in the root manifest.
fn own_versions(members: &[Member]) -> Vec<String> {
    let mut findings = Vec::new();
    for member in members {
        for dependency in member.dependencies() {
            if dependency.value.get("workspace").and_then(Value::as_bool) != Some(true) {
                findings.push(format!(
                    "{}: {} must say `workspace = true`; its version stands in the root manifest",
                    member.folder, dependency.name
                ));
            }
        }
    }
    findings
}

/// Packages of the foundation that no member both depends on and uses.
fn unused_foundation(members: &[Member], files: &[TextFile]) -> Vec<String> {
    let is_used = |package: &&str| {
        members.iter().filter(|member| member.folder != "tests").any(|member| {
            let depends = member.dependencies().iter().any(|found| found.name == *package && !found.is_dev);
            depends && names_package(&member.folder, package, files)
        })
    };
    let unused = FOUNDATION.iter().filter(|package| !is_used(package));
    unused
        .map(|package| format!("{package} is not a direct dependency of a member whose sources use it"))
        .collect()
}

fn names_package(folder: &str, package: &str, files: &[TextFile]) -> bool {
    let name = package.replace('-', "_");
    let sources = format!("{folder}/src/");
    files.iter().filter(|file| file.path.starts_with(&sources) && !file.is_test_code()).any(|file| {
        let tokens = tokens::code(&file.path, &file.text);
        (0..tokens.len()).any(|at| tokens::reads(&tokens, at, &[&name, ":", ":"]))
    })
}

/// Binaries (the program, each connector) whose dependencies hold more than one crypto provider.
///
/// The lock file unites the features of all members, so this may see a provider that a binary leaves out,
/// but it never misses one.
fn several_crypto_providers(members: &[Member], lock: &Table) -> Vec<String> {
    let graph = dependency_graph(lock);
    let mut findings = Vec::new();
    for member in members.iter().filter(|member| member.folder == "cli" || member.connector().is_some()) {
        let linked = reachable(&graph, member.package());
        let providers: Vec<_> =
            CRYPTO_PROVIDERS.iter().copied().filter(|name| linked.contains(name)).collect();
        if providers.len() > 1 {
            findings.push(format!(
                "{}: links {}; one crypto provider only",
                member.folder,
                providers.join(" and ")
            ));
        }
    }
    findings
}

/// Packages that the lock file of `fuzz/` has in a version that the workspace does not have.
fn other_versions(fuzz: &Table, lock: &Table) -> Vec<String> {
    let known: BTreeMap<&str, BTreeSet<&str>> =
        packages(lock).fold(BTreeMap::new(), |mut known, (name, version)| {
            known.entry(name).or_default().insert(version);
            known
        });
    let is_other =
        |(name, version): &(&str, &str)| known.get(name).is_some_and(|versions| !versions.contains(version));
    let others = packages(fuzz).filter(is_other);
    others
        .map(|(name, version)| format!("fuzz/Cargo.lock: {name} {version} is not that of Cargo.lock"))
        .collect()
}

/// Name and version of each package of a lock file.
fn packages(lock: &Table) -> impl Iterator<Item = (&str, &str)> {
    let packages = lock.get("package").and_then(Value::as_array).into_iter().flatten();
    packages.filter_map(|package| Some((package.get("name")?.as_str()?, package.get("version")?.as_str()?)))
}

/// Package name → names of its dependencies; versions of one name are united.
fn dependency_graph(lock: &Table) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in lock.get("package").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = package.get("name").and_then(Value::as_str) else { continue };
        let entries = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        // An entry is `name`, or `name version` where there are several.
        let names = entries.filter_map(Value::as_str).filter_map(|entry| entry.split(' ').next());
        graph.entry(name).or_default().extend(names);
    }
    graph
}

fn reachable<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>, start: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = graph.get(start).into_iter().flatten().copied().collect();
    while let Some(name) = open.pop() {
        if found.insert(name) {
            open.extend(graph.get(name).into_iter().flatten());
        }
    }
    found
}

#[test]
fn members_use_only_the_rooms_below_them() {
    assert_clean(&forbidden_rooms(&clone::members()));
}

#[test]
fn a_forbidden_room_is_found() {
    let check = |folder: &str, dependency: &str, is_allowed: bool| {
        let manifest = format!("[dependencies]\n{dependency} = {{ workspace = true }}");
        let findings = forbidden_rooms(&[Member::new(folder, &manifest)]);
        if is_allowed { assert_clean(&findings) } else { assert_finds(&findings, dependency) }
    };
    check("gateway", "connector_api", true);
    check("gateway", "connector-sqlite", false);
    check("gateway", "connector-common", false);
    check("connector-api", "connector-common", false);
    check("connectors/common", "connector-sql-common", false);
    check("connectors/sql-common", "connector-common", true);
    check("connectors/memory", "connector-sqlite", false);
    check("connectors/memory", "tablegate", false);
    check("connectors/memory", "connector-aws-common", true);
    check("conformance", "tablegate", true);
    check("conformance", "connector-sqlite", false);
    check("gateway", "conformance", false);
    check("tests", "tablegate", true);
    check("tests", "connector-sqlite", false);
}

#[test]
fn drivers_stay_in_their_connector() {
    assert_clean(&forbidden_drivers(&clone::members()));
}

#[test]
fn a_driver_elsewhere_is_found() {
    let sample = |folder| [Member::new(folder, "[dev-dependencies]\nrusqlite.workspace = true")];
    assert_finds(&forbidden_drivers(&sample("gateway")), "rusqlite");
    assert_finds(&forbidden_drivers(&sample("connectors/sql-common")), "rusqlite");
    assert_clean(&forbidden_drivers(&sample("connectors/sqlite")));
}

#[test]
fn versions_stand_in_the_root_manifest() {
    assert_clean(&own_versions(&clone::members()));
}

#[test]
fn an_own_version_is_found() {
    let check = |manifest: &str| assert_finds(&own_versions(&[Member::new("gateway", manifest)]), "bytes");
    check("[dependencies]\nbytes = \"1\"");
    check("[dependencies]\nbytes = { version = \"1\", features = [\"std\"] }");
    check("[build-dependencies]\nbytes = { path = \"../bytes\" }");
    check("[target.'cfg(unix)'.dependencies]\nbytes = \"1\"");
    assert_clean(&own_versions(&[Member::new("gateway", "[dependencies]\nbytes.workspace = true")]));
}

#[test]
fn the_foundation_is_in_real_use() {
    assert_clean(&unused_foundation(&clone::members(), &clone::rust_files()));
}

#[test]
fn an_unused_package_of_the_foundation_is_found() {
    let lines: String = FOUNDATION.iter().map(|package| format!("{package}.workspace = true\n")).collect();
    let uses: String =
        FOUNDATION.iter().map(|package| format!("use {}::x;\n", package.replace('-', "_"))).collect();
    let check = |manifest: &str, source: &str, expected: Option<&str>| {
        let members = [Member::new("gateway", &format!("[dependencies]\n{manifest}"))];
        let findings = unused_foundation(&members, &[TextFile::new("gateway/src/app.rs", source)]);
        match expected {
            Some(part) => assert_finds(&findings, part),
            None => assert_clean(&findings),
        }
    };
    check(&lines, &uses, None);
    check(&lines.replace("axum.workspace = true\n", ""), &uses, Some("axum"));
    check(&lines, &uses.replace("use figment::x;", "// use figment::x;"), Some("figment"));
    check(&lines, &uses.replace("use libloading::x;", "#[cfg(test)] use libloading::x;"), Some("libloading"));
}

#[test]
fn each_binary_links_one_crypto_provider() {
    let lock: Table = clone::read("Cargo.lock").text.parse().unwrap();
    assert!(
        reachable(&dependency_graph(&lock), "tablegate").contains("serde"),
        "the lock file was not understood"
    );
    assert_clean(&several_crypto_providers(&clone::members(), &lock));
}

#[test]
fn what_is_fuzzed_is_built_of_the_same_packages() {
    let [fuzz, lock] = ["fuzz/Cargo.lock", "Cargo.lock"].map(|path| clone::read(path).text.parse().unwrap());
    assert!(packages(&fuzz).any(|(name, _)| name == "tablegate-gateway"), "the lock file was not understood");
    assert_clean(&other_versions(&fuzz, &lock));
}

#[test]
fn another_version_in_the_lock_file_of_fuzz_is_found() {
    let lock = |text: &str| -> Table { format!("package = [{text}]").parse().unwrap() };
    let both = lock(r#"{ name = "syn", version = "1.0.0" }, { name = "syn", version = "2.0.0" }"#);
    assert_clean(&other_versions(&lock(r#"{ name = "syn", version = "2.0.0" }"#), &both));
    assert_clean(&other_versions(&lock(r#"{ name = "libfuzzer-sys", version = "0.4.13" }"#), &both));
    assert_finds(&other_versions(&lock(r#"{ name = "syn", version = "2.0.1" }"#), &both), "syn 2.0.1");
}

#[test]
fn two_crypto_providers_are_found() {
    let lock: Table = r#"
        package = [
            { name = "tablegate", dependencies = ["ring 0.17.14", "client"] },
            { name = "client", dependencies = ["tls"] },
            { name = "tls", dependencies = ["aws-lc-rs"] },
            { name = "connector-x", dependencies = ["client"] },
        ]"#
    .parse()
    .unwrap();
    let program = Member::new("cli", "package = { name = \"tablegate\" }");
    let connector = Member::new(
        "connectors/x",
        "package = { name = \"connector-x\" }\nlib = { crate-type = [\"cdylib\"] }",
    );
    assert_finds(&several_crypto_providers(&[program, connector], &lock), "cli: links ring and aws-lc-rs");
}
