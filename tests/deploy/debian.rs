//! The package for Debian: what judges say of it, and what it does when it is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::libraries::clone_folder;

use crate::overlay::{confined, script};
use crate::packed::{output, package};
use crate::process::Gateway;

/// Of ten, where ten is a service that may do anything.
const EXPOSURE: &str = "15";

/// The files of the package, in a folder.
fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    output(Command::new("dpkg-deb").arg("--extract").arg(package()).arg(folder.path()));
    folder
}

fn judge(program: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(clone_folder().join("tests/deploy/lint.py")).arg(program);
    command
}

fn unit(tree: &Path) -> PathBuf {
    tree.join("lib/systemd/system/tablegate.service")
}

/// The value of a key that stands in the unit once.
fn value(unit: &str, key: &str) -> String {
    let found: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect();
    let [only] = found[..] else { panic!("{key}: {found:?}") };
    only.to_owned()
}

#[test]
fn the_linter_of_debian_has_nothing_to_say() {
    let printed = output(judge("lintian").args(["--tag-display-limit", "0", "--allow-root"]).arg(package()));
    assert_eq!(printed, "");
}

#[test]
fn systemd_understands_the_unit() {
    let tree = tree();
    // The targets that it names, and the program that reloads it, are the system's.
    let system = tree.path().join("lib/systemd/system");
    let targets = std::fs::read_dir("/lib/systemd/system").unwrap().map(|entry| entry.unwrap().path());
    for target in
        targets.filter(|path| path.extension().is_some_and(|kind| kind == "target") && !path.is_symlink())
    {
        std::fs::copy(&target, system.join(target.file_name().unwrap())).unwrap();
    }
    std::fs::create_dir(tree.path().join("bin")).unwrap();
    std::fs::copy("/bin/kill", tree.path().join("bin/kill")).unwrap();
    let root = format!("--root={}", tree.path().display());
    let done = judge("systemd-analyze")
        .args(["verify", &root, "--recursive-errors=no", "tablegate.service"])
        .output()
        .unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn the_service_may_do_little() {
    let tree = tree();
    let root = format!("--root={}", tree.path().display());
    let threshold = format!("--threshold={EXPOSURE}");
    output(judge("systemd-analyze").args([
        "security",
        "--offline=true",
        &root,
        &threshold,
        "tablegate.service",
    ]));
    let unit = std::fs::read_to_string(unit(tree.path())).unwrap();
    for (key, expected) in [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("MemoryDenyWriteExecute", "yes"),
        ("User", "tablegate"),
    ] {
        assert_eq!(value(&unit, key), expected, "{key}");
    }
}

/// Installs the package and says what became of it.
const INSTALL: &str = r#"
cp "$2" "$root/package.deb"
inside dpkg --install /package.deb >&2
inside stat -c '%U:%G %a %n' /etc/tablegate /etc/tablegate/gateway.toml /etc/tablegate/secrets /usr/lib/tablegate/plugins
inside getent passwd tablegate | cut -d: -f1,6,7
inside runuser -u tablegate -- tablegate --config /etc/tablegate/gateway.toml check
"#;

/// Takes it away again.
const REMOVE: &str = r#"
mkdir "$root/var/lib/tablegate"
touch "$root/var/lib/tablegate/shop.sqlite" "$root/etc/tablegate/secrets/key"
inside dpkg --remove tablegate >&2
inside ls /etc/tablegate
inside dpkg --purge tablegate >&2
inside ls -d /usr/bin/tablegate /usr/lib/tablegate /etc/tablegate /var/lib/tablegate/shop.sqlite 2>/dev/null || true
"#;

#[test]
fn it_is_installed_and_removed_and_databases_stay() {
    let scratch = tempfile::tempdir().unwrap();
    let printed = output(script(&scratch, &format!("{INSTALL}{REMOVE}")).arg(package()));
    let expected = "root:tablegate 750 /etc/tablegate
root:tablegate 640 /etc/tablegate/gateway.toml
root:root 700 /etc/tablegate/secrets
root:root 755 /usr/lib/tablegate/plugins
tablegate:/var/lib/tablegate:/usr/sbin/nologin
the configuration is right: 0 service(s), 0 role(s), 0 app(s)
gateway.toml
secrets
/var/lib/tablegate/shop.sqlite
";
    assert_eq!(printed, expected);
}

/// Installs the package over itself while its service runs, as far as systemd's own programs say: once with the unit that it brings, once with
/// another one, and then while there is no process that could be asked. The service is a process that has a successor when it is asked for one.
const UPGRADE: &str = r#"
rm -f "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/run/systemd/system"
cat >"$root/usr/bin/systemctl" <<'END'
#!/bin/sh
case "$*" in
*ActiveState*) echo active ;;
*MainPID*) cat /run/main ;;
esac
END
cat >"$root/usr/bin/deb-systemd-invoke" <<'END'
#!/bin/sh
echo "$@" >>/run/invoked
END
chmod 755 "$root/usr/bin/systemctl" "$root/usr/bin/deb-systemd-invoke"
touch "$root/run/invoked"
bash -c 'trap "echo 1 >$0/run/main; kill \$!" USR2; touch $0/run/up; sleep 600 & wait' "$root" >/dev/null 2>&1 &
until [ -e "$root/run/up" ]; do :; done
echo $! >"$root/run/main"
inside dpkg --install /package.deb >&2
echo "taken over by $(cat "$root/run/main"), invoked: $(cat "$root/run/invoked")"
echo '# another unit' >>"$root/lib/systemd/system/tablegate.service"
inside dpkg --install /package.deb >&2
echo "invoked: $(cat "$root/run/invoked")"
for main in 0 4194305 ''; do
    : >"$root/run/invoked"
    echo "$main" >"$root/run/main"
    inside dpkg --install /package.deb >&2
    echo "without '$main' invoked: $(cat "$root/run/invoked")"
done
"#;

#[test]
fn a_new_version_takes_over_unless_it_brings_another_unit_or_finds_no_process() {
    let scratch = tempfile::tempdir().unwrap();
    let printed = output(script(&scratch, &format!("({INSTALL}) >&2\n{UPGRADE}")).arg(package()));
    let expected = "taken over by 1, invoked: \ninvoked: restart tablegate.service
without '0' invoked: restart tablegate.service
without '4194305' invoked: restart tablegate.service
without '' invoked: restart tablegate.service
";
    assert_eq!(printed, expected);
}

#[test]
fn installed_it_starts_as_the_unit_says_on_a_read_only_root() {
    let unit = std::fs::read_to_string(unit(tree().path())).unwrap();
    let command: Vec<String> = value(&unit, "ExecStart").split(' ').map(str::to_owned).collect();
    let state = format!("/var/lib/{}", value(&unit, "StateDirectory"));
    assert_eq!(value(&unit, "WorkingDirectory"), state);
    let environment = ["TABLEGATE_SERVER__LISTEN=127.0.0.1:0".to_owned()];
    let account = format!("{}:{}", value(&unit, "User"), value(&unit, "Group"));
    let start = confined(&account, &state, &state, &environment, &command);
    let scratch = tempfile::tempdir().unwrap();
    let mut gateway = script(&scratch, &format!("({INSTALL}) >&2\n{start}"));
    Gateway::start(gateway.arg(package())).is_up_and_denies();
}
