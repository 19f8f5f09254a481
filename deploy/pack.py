#!/usr/bin/env python3
"""Packs what was built: an archive to unpack anywhere, and a package for Debian. The same input gives the same bytes.

usage: pack.py archive|deb CONNECTOR...     folders under connectors/, at least one

Reads $CARGO_TARGET_DIR/release (else target/release), where `make dist` and `make deb` have built, and writes into $TABLEGATE_DIST, else dist/.
SOURCE_DATE_EPOCH is the time of everything inside, else that of the last commit.
"""

import hashlib
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

# Running this leaves nothing in the clone.
sys.dont_write_bytecode = True

import archive
import debian
import linked
import notices
import sbom


class Files:
    """What is packed: paths with their bytes and modes, none of them read from where it lies once it is here."""

    def __init__(self, connectors):
        release = Path(os.environ.get("CARGO_TARGET_DIR") or linked.CLONE / "target") / "release"
        self.version = linked.read_toml("Cargo.toml")["workspace"]["package"]["version"]
        self.machine = platform.machine()
        self.epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or linked.run("git", "log", "-1", "--format=%ct"))
        self.program = read(release / linked.PROGRAM)
        self.libraries = {name: read(release / name) for name in map(library, connectors)}
        self.config = read(linked.CLONE / "config/gateway.toml")
        self.licences = {name: read(linked.CLONE / name) for name in ("LICENSE-APACHE", "LICENSE-MIT")}
        packages = [linked.PROGRAM, *(f"connector-{name}" for name in connectors)]
        crates = linked.crates(packages)
        self.notices = notices.notices(crates).encode()
        self.sbom = (json.dumps(sbom.bill(self.version, self.epoch, packages, crates), indent=1) + "\n").encode()


def library(connector):
    return f"libconnector_{connector.replace('-', '_')}.so"


def read(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise linked.Problem(f"{path}: {error.strerror}; run `make dist`") from None


def main(kind, connectors):
    out = Path(os.environ.get("TABLEGATE_DIST") or linked.CLONE / "dist")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        made = {"archive": archive.pack, "deb": debian.pack}[kind](Files(connectors), Path(scratch))
        digest = hashlib.sha256(made.read_bytes()).hexdigest()
        # Renamed when it is whole.
        made = made.rename(out / made.name)
    made.with_name(f"{made.name}.sha256").write_text(f"{digest}  {made.name}\n")
    print(f"packed {made} ({made.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("archive", "deb"):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2:])
    except (linked.Problem, OSError) as problem:
        sys.exit(f"pack: {problem}")
