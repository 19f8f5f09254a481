"""What is linked into the program and the connectors: crates, their licences, what else is in them. Asks cargo, and changes nothing."""

import json
import re
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

CLONE = Path(__file__).resolve().parents[1]
PROGRAM = "tablegate"
# What a crate builds its C code with.
C_BUILDERS = {"cc", "cmake"}


class Problem(Exception):
    """Something that the person who runs this can act on."""


@dataclass
class Crate:
    name: str
    version: str
    licence: str
    folder: Path
    repository: str
    sha256: str | None  # None: one of ours
    builds_c: bool
    bundled: list  # what its manifest tells of C code that it links, in the form of deploy/bundled.toml
    uses: set = field(default_factory=set)  # keys

    @property
    def key(self):
        return self.name, self.version

    @property
    def is_ours(self):
        return self.sha256 is None


def run(*command, **options):
    done = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Problem(f"{' '.join(map(str, command[:3]))} failed:\n{done.stderr.strip()}")
    return done.stdout


def host():
    return next(line.removeprefix("host: ") for line in run("rustc", "-vV").splitlines() if line.startswith("host: "))


def crates(packages):
    """The crates that these packages link, themselves included, by name and version. Each package counts with its own features, as it is built."""
    known, found = all_crates(), {}
    for package in packages:
        for above, key in edges(package):
            crate = found.setdefault(key, known[key])
            if above:
                found[above].uses.add(crate.key)
    return found


def edges(package):
    """Pairs of a crate and one that it uses, parents first. Build scripts and macros run on the machine that builds, so they are not linked."""
    lines = run("cargo", "tree", "--locked", "--package", package, "--edges", "normal,no-proc-macro", "--target", host(),
                "--prefix", "depth", "--format", " {p}")
    path = []
    for line in lines.splitlines():
        depth, name, version = re.match(r"(\d+) (\S+) v(\S+)", line).groups()
        del path[int(depth):]
        yield path[-1] if path else None, (name, version)
        path.append((name, version))


def all_crates():
    """Every crate that the workspace may use on this machine."""
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host()))
    digests = {(entry["name"], entry["version"]): entry.get("checksum") for entry in read_toml("Cargo.lock")["package"]}
    found = {}
    for package in metadata["packages"]:
        key = package["name"], package["version"]
        builders = {entry["name"] for entry in package["dependencies"] if entry["kind"] == "build" and not entry["optional"]}
        found[key] = Crate(*key, expression(package), Path(package["manifest_path"]).parent, package["repository"] or "",
                           digests[key], bool(builders & C_BUILDERS), own_metadata(package).get("bundled", []))
    return found


def own_metadata(package):
    return (package["metadata"] or {}).get("tablegate", {})


def expression(package):
    """The licence in today's spelling: a slash was an OR."""
    if not package["license"]:
        raise Problem(f"{package['name']} names no licence")
    return re.sub(r"\s*/\s*", " OR ", package["license"])


def bundled(crates):
    """What is linked and is no crate of its own, each with its version and the crate that it is in, if it is in one."""
    told = read_toml("deploy/bundled.toml")["bundled"] + [entry for crate in crates.values() for entry in crate.bundled]
    untold = {crate.name for crate in crates.values() if crate.builds_c} - {entry.get("crate") for entry in told}
    if untold:
        raise Problem(f"deploy/bundled.toml does not say which C code is in {', '.join(sorted(untold))}")
    found = [{**entry, "version": run("rustc", "-V").split()[1], "inside": None} for entry in told if "crate" not in entry]
    for crate in sorted(crates.values(), key=lambda crate: crate.key):
        found += [{**entry, "version": bundled_version(entry, crate), "inside": crate} for entry in told if entry.get("crate") == crate.name]
    return found


def bundled_version(entry, crate):
    if "version_in" not in entry:
        return crate.version
    text = (crate.folder / entry["version_in"]).read_text(encoding="utf-8", errors="replace")
    return re.search(entry["version_is"], text).group(1)


def read_toml(path):
    with open(CLONE / path, "rb") as file:
        return tomllib.load(file)
