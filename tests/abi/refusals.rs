//! Files that are not loaded, each with its line; the good one beside them is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use tablegate::connectors::{Reason, Registry};
use tablegate::settings::Plugins;
use tests::libraries::library;
use tracing::level_filters::LevelFilter;

use crate::fixture::{Folder, WORKERS, find, set_knobs};

/// Puts a bad file beside a good library; the line must hold `expected`, and the good library must load.
fn check(expected: &str, add: impl FnOnce(&Folder)) {
    let folder = Folder::new();
    folder.add_chaos("42");
    add(&folder);
    let plugins = Plugins { load_timeout: "2s".parse().unwrap(), ..folder.plugins() };
    check_with(&plugins, expected);
}

fn check_with(plugins: &Plugins, expected: &str) {
    let registry = Registry::load(plugins, WORKERS, LevelFilter::ERROR);
    let lines: Vec<String> = registry.refusals().iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 1, "{expected}: {lines:?}");
    assert!(lines[0].contains(expected), "expected {expected}, got {}", lines[0]);
    assert!(!lines[0].contains('\n'), "{}", lines[0]);
    let types: Vec<&str> =
        registry.connectors()[0].descriptor().service_types.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(types, ["chaos_42", "chaos_42_b", "chaos_42_liar"], "the good library beside it");
}

fn patched(magic: &'static [u8], at: usize, byte: u8) -> impl FnOnce(&Folder) {
    move |folder| {
        folder.add("libbad.so", |bytes| {
            let places = find(bytes, magic);
            assert!(!places.is_empty());
            places.into_iter().for_each(|place| bytes[place + at] = byte);
        });
    }
}

#[test]
fn files_that_are_no_library() {
    check("it is not a shared library", |folder| drop(folder.add_bytes("libtext.so", b"# not a library\n")));
    check("it is not a shared library", |folder| drop(folder.add_bytes("libempty.so", b"")));
    check("it is not a regular file", |folder| fs::create_dir(folder.path().join("libfolder.so")).unwrap());
    check("it can't be read", |folder| {
        symlink("/nowhere/at/all.so", folder.path().join("liblink.so")).unwrap()
    });
}

#[test]
fn truncated_libraries_are_refused_at_every_length() {
    let bytes = fs::read(library("chaos").unwrap()).unwrap();
    for part in [1, 10, 100, 1000] {
        let length = bytes.len() * part / 1001;
        let expected = format!("it is truncated: {length} of {} bytes", bytes.len());
        let expected = if part > 1 { expected.as_str() } else { "it is truncated" };
        check(expected, |folder| drop(folder.add_bytes("libcut.so", &bytes[..length])));
    }
    check("it is truncated", |folder| drop(folder.add_bytes("libcut.so", &bytes[..40])));
}

#[test]
fn libraries_for_something_else() {
    let foreign = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    check("it was built for", |folder| drop(folder.add("libbad.so", |bytes| bytes[18] = foreign)));
    check("32 bits", |folder| drop(folder.add("libbad.so", |bytes| bytes[4] = 1)));
    check("it is not a shared library", |folder| drop(folder.add("libbad.so", |bytes| bytes[16] = 2)));
    check("it has no connector entry point", patched(b"_1as_0lib_1header_0root", 0, b'x'));
    check("it has no connector entry point", patched(b"tablegate.stamp\0", 0, b'x'));
    check(
        "it was built for revision 7 of the contract, this gateway has revision 0",
        patched(b"tablegate.stamp\0", 16, 7),
    );
    check("it was built with panic=abort", patched(b"tablegate.stamp\0", 20, 0));
}

#[test]
fn a_library_of_the_system_is_no_connector() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let libc =
        maps.split_whitespace().find(|word| word.contains("/libc.so") || word.contains("/libc-")).unwrap();
    let bytes = fs::read(libc).unwrap();
    check("it has no connector entry point", |folder| drop(folder.add_bytes("libc.so", &bytes)));
}

#[test]
fn libraries_that_fail_while_they_are_loaded() {
    for (fault, expected) in [
        ('i', "it did not load and describe itself within 2000 ms"),
        ('d', "it did not load and describe itself within 2000 ms"),
        ('I', "it failed to initialise"),
        ('p', "it failed to describe itself: the connector panicked"),
        ('m', "its description is malformed: the connector's name"),
    ] {
        check(expected, |folder| drop(folder.add("libbad.so", |bytes| set_knobs(bytes, fault, "43"))));
    }
}

#[test]
fn of_two_libraries_with_one_service_type_the_second_is_refused() {
    check("it offers the service type 'chaos_42', which", |folder| {
        folder.add("libchaos_99.so", |bytes| set_knobs(bytes, '-', "42"));
    });
}

#[test]
fn whatever_anybody_may_write_to_is_refused() {
    let writable =
        |path: &std::path::Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    check("anybody may write to the file; run `chmod o-w`", |folder| {
        writable(&folder.add_chaos("43"), 0o646);
    });
    for mode in [0o757, 0o1777] {
        let (open, good) = (Folder::new(), Folder::new());
        open.add_chaos("43");
        good.add_chaos("42");
        writable(open.path(), mode);
        let directories = vec![open.path().to_path_buf(), good.path().to_path_buf()];
        check_with(&Plugins { directories, ..good.plugins() }, "anybody may write to the folder");
    }
    // A link is judged by where it leads.
    let elsewhere = Folder::new();
    let target = elsewhere.add_chaos("43");
    writable(&target, 0o646);
    check("anybody may write to the file", |folder| {
        symlink(&target, folder.path().join("liblink.so")).unwrap()
    });
}

#[test]
fn a_group_may_write_and_a_sticky_folder_above_does_no_harm() {
    let above = Folder::new();
    let folder = above.path().join("plugins");
    fs::create_dir(&folder).unwrap();
    let library = above.add_chaos("42");
    fs::rename(&library, folder.join("libchaos.so")).unwrap();
    fs::set_permissions(folder.join("libchaos.so"), Permissions::from_mode(0o664)).unwrap();
    fs::set_permissions(above.path(), Permissions::from_mode(0o1777)).unwrap();
    let plugins = Plugins { directories: vec![folder.clone()], ..above.plugins() };
    assert_eq!(Registry::load(&plugins, WORKERS, LevelFilter::ERROR).refusals(), []);
    fs::set_permissions(above.path(), Permissions::from_mode(0o777)).unwrap();
    let refusals = Registry::load(&plugins, WORKERS, LevelFilter::ERROR).refusals().to_vec();
    let above = above.path().canonicalize().unwrap();
    assert_eq!(refusals.first().map(|refusal| &refusal.reason), Some(&Reason::WorldWritableFolder(above)));
}

#[test]
fn with_an_allow_list_only_what_stands_in_it_is_loaded() {
    let folder = Folder::new();
    folder.add_chaos("42");
    let nothing = Plugins { allow_sha256: Some(Vec::new()), ..folder.plugins() };
    let registry = Registry::load(&nothing, WORKERS, LevelFilter::ERROR);
    let Reason::NotAllowed(digest) = registry.refusals()[0].reason.clone() else { panic!("{registry:?}") };
    assert!(registry.connectors().is_empty());
    folder.add_chaos("43");
    let first = Plugins { allow_sha256: Some(vec![digest]), ..folder.plugins() };
    check_with(&first, "is not in the allow-list; add the digest to `plugins.allow_sha256`");
}

#[test]
fn a_missing_folder_is_named_and_does_no_harm() {
    let folder = Folder::new();
    folder.add_chaos("42");
    let directories = vec![folder.path().join("nowhere"), folder.path().to_path_buf()];
    check_with(
        &Plugins { directories, ..folder.plugins() },
        "nowhere: the plugin folder does not exist; create it",
    );
}

#[test]
fn twenty_libraries_are_loaded_and_introduce_themselves() {
    let folder = Folder::new();
    (0..20).for_each(|number| drop(folder.add_chaos(&format!("{number:02}"))));
    folder.add_bytes(".libhalf.so", b"being copied");
    folder.add_bytes("README.md", b"no library");
    let began = std::time::Instant::now();
    let registry = folder.load();
    println!("20 libraries in {:?}", began.elapsed());
    assert_eq!(registry.refusals(), []);
    let names: Vec<_> =
        registry.connectors().iter().map(|c| c.descriptor().service_types[1].name.clone()).collect();
    let expected: Vec<_> = (0..20).map(|number| format!("chaos_{number:02}_b")).collect();
    assert_eq!(names, expected);
    let connector = registry.connector("chaos_07").unwrap();
    assert_eq!((connector.descriptor().name.as_str(), connector.stamp().api_version()), ("chaos", "1.0.0"));
    assert!(connector.stamp().compiler().starts_with("rustc 1."));
}
