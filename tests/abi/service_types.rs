//! The service types in the manifests of connectors, which `make` reads, are those of the libraries.

use tablegate::connectors::Registry;
use tablegate::settings::Plugins;
use tests::libraries::{clone_folder, library};
use toml::Table;
use tracing::level_filters::LevelFilter;

/// Folders under `connectors/` with service types in their manifests.
fn told() -> Vec<(String, Vec<String>)> {
    let entries = std::fs::read_dir(clone_folder().join("connectors")).unwrap();
    let manifests =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.join("Cargo.toml").is_file());
    manifests
        .filter_map(|folder| {
            let manifest: Table =
                std::fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
            let types = manifest["package"].get("metadata")?["tablegate"]["types"].clone();
            Some((folder.file_name()?.to_str()?.to_owned(), types.try_into().unwrap()))
        })
        .collect()
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
