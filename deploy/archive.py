"""The archive: one folder that holds everything and is used where it is unpacked."""

import gzip
import hashlib
import io
import tarfile

import linked


def pack(files, folder):
    name = f"{linked.PROGRAM}-{files.version}-linux-{files.machine}"
    made = folder / f"{name}.tar.gz"
    entries = contents(files)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, (data, _) in sorted(entries.items()))
    entries["SHA256SUMS"] = sums.encode(), 0o644
    with open(made, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in folders(entries):
                tar.addfile(entry(f"{name}/{path}".rstrip("/"), 0o755, files.epoch, tarfile.DIRTYPE))
            for path, (data, mode) in sorted(entries.items()):
                tar.addfile(entry(f"{name}/{path}", mode, files.epoch, tarfile.REGTYPE, len(data)), io.BytesIO(data))
    return made


def contents(files):
    """Paths with bytes and modes."""
    return {
        linked.PROGRAM: (files.program, 0o755),
        **{f"plugins/{name}": (data, 0o755) for name, data in files.libraries.items()},
        "config/gateway.toml": (files.config, 0o644),
        "README.txt": ((linked.CLONE / "deploy/README.txt").read_bytes(), 0o644),
        **{name: (data, 0o644) for name, data in files.licences.items()},
        "THIRD-PARTY-NOTICES.txt": (files.notices, 0o644),
        "sbom.cdx.json": (files.sbom, 0o644),
    }


def folders(entries):
    """Every folder, parents first; the top one is ''."""
    return sorted({path.rpartition("/")[0] for path in entries} | {""})


def entry(name, mode, epoch, kind, size=0):
    """A member that tells nothing of who packed it."""
    found = tarfile.TarInfo(name)
    found.type, found.mode, found.mtime, found.size = kind, mode, epoch, size
    found.uname = found.gname = "root"
    return found
