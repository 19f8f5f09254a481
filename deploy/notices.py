"""The notices of third parties: each crate that is linked, with the licence texts that came with it, and what else is linked.

Texts that several crates share stand there once. A crate without a text gets the common one of a licence that it offers.
"""

import re

import linked

TEXT = re.compile(r"(?i)(licen[cs]e|copying|copyright|notice|unlicense)([-._].*)?$")
# Beside this file; Apache's is our own copy. The first that a crate offers is taken.
COMMON = {"Apache-2.0": linked.CLONE / "LICENSE-APACHE", "MIT": linked.CLONE / "deploy/licences/MIT.txt",
          "Zlib": linked.CLONE / "deploy/licences/Zlib.txt"}
RULE = "=" * 100


def notices(crates):
    foreign = [crate for _, crate in sorted(crates.items()) if not crate.is_ours]
    others, texts = linked.bundled(crates), {}
    for crate in foreign:
        for text in texts_of(crate):
            # The same text is wrapped and indented in many ways.
            texts.setdefault(" ".join(text.split()), (text, []))[1].append(f"{crate.name} {crate.version}")
    parts = ["Tablegate contains the software of others that is listed here. Their licence texts follow.\n\n"
             + "\n".join(line(crate) for crate in foreign) + "\n\nand what is no crate of its own:\n\n"
             + "\n".join(other_line(entry) for entry in others)]
    parts += [entry["notice"].strip() for entry in others if "notice" in entry]
    parts += [f"The following text came with: {', '.join(names)}\n\n{text.strip()}" for text, names in texts.values()]
    return f"\n\n{RULE}\n\n".join(parts) + "\n"


def line(crate):
    source = crate.repository or f"https://crates.io/crates/{crate.name}"
    return f"  {crate.name} {crate.version}: {crate.licence}, {source}"


def other_line(entry):
    where = f" in {entry['inside'].name}" if entry["inside"] else ""
    return f"  {entry['name']} {entry['version']}{where}: {entry['licence']}, {entry['url']}"


def texts_of(crate):
    # C code and copied modules have theirs further down.
    files = sorted(path for path in crate.folder.rglob("*")
                   if TEXT.match(path.name) and path.suffix not in (".rs", ".c", ".h") and path.is_file())
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    return texts or [common(crate)]


def common(crate):
    offered = re.split(r"[ ()]+", crate.licence)
    for name, path in COMMON.items():
        if name in offered:
            return f"(It names its licence, {name}, and has no text of its own.)\n\n{path.read_text(encoding='utf-8')}"
    raise linked.Problem(f"{crate.name} has no licence text, and deploy/licences has none of {crate.licence}")
