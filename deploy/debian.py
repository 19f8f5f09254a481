"""The package for Debian and its relatives: files where the system has them, a user of its own, a service that systemd keeps in bounds."""

import datetime
import email.utils
import gzip
import hashlib
import os
import re

import linked

HERE = linked.CLONE / "deploy/debian"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PLUGINS = "/usr/lib/tablegate/plugins"
STATE = "/var/lib/tablegate"


def pack(files, folder):
    # Folders are made with this mode, whoever packs.
    os.umask(0o022)
    tree = folder / "tree"
    for path, (data, mode) in contents(files).items():
        write(tree / path, data, mode)
    control(files, tree)
    architecture = ARCHITECTURES[files.machine]
    made = folder / f"{linked.PROGRAM}_{files.version}_{architecture}.deb"
    # Several threads would pack otherwise on other machines.
    linked.run("dpkg-deb", "--root-owner-group", "--threads-max=1", "-Zxz", "-z4", "--build", tree, made,
               env={**os.environ, "SOURCE_DATE_EPOCH": str(files.epoch)})
    return made


def contents(files):
    """Paths with bytes and modes."""
    doc = "usr/share/doc/tablegate"
    return {
        "usr/bin/tablegate": (files.program, 0o755),
        **{f"{PLUGINS.lstrip('/')}/{name}": (data, 0o644) for name, data in files.libraries.items()},
        "etc/tablegate/gateway.toml": (configuration(files.config), 0o644),
        "lib/systemd/system/tablegate.service": (read("tablegate.service"), 0o644),
        "usr/lib/sysusers.d/tablegate.conf": (read("sysusers.conf"), 0o644),
        "usr/share/man/man1/tablegate.1.gz": (packed(read("tablegate.1")), 0o644),
        f"{doc}/README.Debian": (read("README.Debian"), 0o644),
        f"{doc}/copyright": (read("copyright"), 0o644),
        f"{doc}/changelog.gz": (packed(changelog(files)), 0o644),
        f"{doc}/CHANGELOG.md.gz": (packed((linked.CLONE / "CHANGELOG.md").read_bytes()), 0o644),
        f"{doc}/THIRD-PARTY-NOTICES.txt.gz": (packed(files.notices), 0o644),
        f"{doc}/sbom.cdx.json": (files.sbom, 0o644),
    }


def configuration(example):
    """The example with the folders of the system in it."""
    text = example.decode()
    for section, key, value in [("plugins", 'directories = ["plugins"]', f'directories = ["{PLUGINS}"]'),
                                ("state", 'directory = "data"', f'directory = "{STATE}"')]:
        text = replaced(replaced(text, f"#[{section}]\n", f"[{section}]\n"), f"#{key}\n", f"{value}\n")
    return text.encode()


def changelog(files):
    """The one entry that dpkg wants; what has changed stands in CHANGELOG.md."""
    when = email.utils.format_datetime(datetime.datetime.fromtimestamp(files.epoch, datetime.timezone.utc))
    return read("changelog").decode().format(version=files.version, date=when).encode()


def replaced(text, old, new):
    if text.count(old) != 1:
        raise linked.Problem(f"config/gateway.toml has the line {old.strip()} not once")
    return text.replace(old, new)


def control(files, tree):
    """What dpkg reads."""
    installed = [path for path in sorted(tree.rglob("*")) if path.is_file()]
    sums = "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in installed)
    facts = {
        "version": files.version,
        "architecture": ARCHITECTURES[files.machine],
        "libc": newest_libc([files.program, *files.libraries.values()]),
        "size": sum(path.stat().st_size for path in installed) // 1024,
    }
    write(tree / "DEBIAN/control", read("control").decode().format(**facts).encode(), 0o644)
    write(tree / "DEBIAN/conffiles", b"/etc/tablegate/gateway.toml\n", 0o644)
    write(tree / "DEBIAN/md5sums", sums.encode(), 0o644)
    for script in ("postinst", "prerm", "postrm"):
        write(tree / "DEBIAN" / script, read(script), 0o755)


def newest_libc(binaries):
    """The least version of the C library that has all they ask for."""
    found = {tuple(map(int, version.split(b"."))) for data in binaries for version in re.findall(rb"\0GLIBC_(\d+\.\d+)", data)}
    return ".".join(map(str, max(found)))


def packed(data):
    return gzip.compress(data, mtime=0)


def read(name):
    return (HERE / name).read_bytes()


def write(path, data, mode):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
