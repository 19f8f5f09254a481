//! A connector made by `connector new`, outside of the workspace: built, dropped in, read.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use conformance::config::Config;
use conformance::judge::{Wanted, judge};
use conformance::report::Report;
use connector_api::model::OpenRequest;
use connector_api::model::batch::Cell;
use serde_json::json;
use tablegate::connectors::{Service, template};
use tests::libraries::{build, clone_folder};

use crate::fixture::{Folder, LONG, context, limits, query, run};

/// Builds the new folder; what is fetched already is enough, otherwise cargo may fetch.
fn built(folder: &Path) -> std::path::PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("connector-new");
    let arguments = ["--target-dir".as_ref(), target.as_os_str()];
    let offline: Vec<&OsStr> = arguments.iter().copied().chain(["--offline".as_ref()]).collect();
    build(folder, &offline, "libmy_greeter.so")
        .or_else(|_| build(folder, &arguments, "libmy_greeter.so"))
        .unwrap_or_else(|error| panic!("the new connector does not build: {error}"))
}

#[test]
fn a_new_connector_builds_anywhere_and_answers() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = template::create("my-greeter", elsewhere.path()).unwrap();
    let plugins = Folder::new();
    let library = built(&folder);
    plugins.add_bytes("libmy_greeter.so", &fs::read(&library).unwrap());
    let registry = plugins.load();
    assert_eq!(registry.refusals(), []);
    run(async {
        let connector = Arc::clone(registry.connector("my_greeter").unwrap());
        assert_eq!(connector.descriptor().name, "my-greeter");
        let names = &connector.descriptor().service_types[0].config_schema["properties"]["names"];
        assert_eq!(names["description"], "Who is greeted, one row each.");
        let request = OpenRequest {
            service_type: "my_greeter".into(),
            service: "greeter".into(),
            config: json!({ "names": ["Ada", "Grace", "Edsger"] }),
            allow_inline: false,
            worker_threads: 1,
        };
        let service = Service::open(connector, request, limits()).await.unwrap();
        let tables = service.list_tables(context(LONG)).await.unwrap();
        let table = service.describe_tables(vec![tables[0].table.clone()], context(LONG)).await.unwrap();
        assert_eq!((table[0].table.name.as_str(), table[0].columns[0].name.as_str()), ("greetings", "text"));

        let (shape, params) = query("greetings", 2);
        let mut rows = service.query(&shape, &params, context(LONG)).await.unwrap();
        let batch = rows.next().await.unwrap().unwrap();
        let mut section = batch.sections().next().unwrap();
        let mut row = Vec::new();
        for expected in ["Hello, Ada!", "Hello, Grace!"] {
            assert!(section.read_row(&mut row).unwrap());
            assert_eq!(row, [Cell::Text(expected)]);
        }
        assert!(!section.read_row(&mut row).unwrap(), "the limit is two rows");
        assert!(rows.next().await.is_none() && rows.summary().is_some());
        does_what_it_declares(&folder, &library).await;
    });
}

/// It declares to read rows and nothing else, so it has to refuse every filter. The folder has the file that it is judged by.
async fn does_what_it_declares(folder: &Path, library: &Path) {
    let config = Config::read(&folder.join("judge.toml")).unwrap();
    let judgement = judge(library, &config, &Wanted::default(), |_, _, _| {}).await.unwrap();
    assert_eq!((judgement.failures, judgement.left_out), (vec![], vec![]));
    let Report { passed, refused, .. } = judgement.report;
    assert!(passed > 0 && refused > 5, "{passed} passed, {refused} refused");
}

#[test]
fn the_guide_shows_the_template() {
    let read = |path: &str| fs::read_to_string(clone_folder().join(path)).unwrap();
    let (guide, source) = (read("docs/guides/write-a-connector.md"), read("gateway/template/lib.rs"));
    assert!(guide.contains(&format!("```rust\n{source}```")), "copy gateway/template/lib.rs into the guide");
    assert!(source.lines().count() <= 40);
}
