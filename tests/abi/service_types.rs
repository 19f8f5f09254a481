//! The service types in the manifests of connectors, which `make` reads, are those of the libraries.

use tablegate::connectors::Registry;
use tablegate::settings::Plugins;
use tests::libraries::{clone_folder, library};
use toml::Table;
use tracing::level_filters::LevelFilter;

/// The folders under `connectors/` that build a library to install, each with the service types in its manifest.
fn told() -> Vec<(String, Vec<String>)> {
    let folders =
        std::fs::read_dir(clone_folder().join("connectors")).unwrap().map(|entry| entry.unwrap().path());
    let mut told = Vec::new();
    for folder in folders.filter(|folder| !folder.ends_with("chaos")) {
        let manifest: Table = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
        if manifest.get("lib").is_some_and(|library| library.get("crate-type").is_some()) {
            let types = manifest["package"]["metadata"]["tablegate"]["types"].clone();
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            told.push((name, types.try_into().unwrap()));
        }
    }
    told
}

#[test]
fn manifests_tell_the_service_types_of_the_libraries() {
    let told = told();
    assert!(told.len() > 3, "the manifests were not understood: {told:?}");
    for (connector, types) in told {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(library(&connector).unwrap(), folder.path().join("libconnector.so"))
            .unwrap();
        let plugins = Plugins { directories: vec![folder.path().to_path_buf()], ..Plugins::default() };
        let registry = Registry::load(&plugins, 2, LevelFilter::ERROR);
        let described = &registry.connectors()[0].descriptor().service_types;
        let described: Vec<&str> = described.iter().map(|described| described.name.as_str()).collect();
        assert_eq!(types, described, "connectors/{connector}/Cargo.toml");
    }
}
