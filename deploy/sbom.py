"""The bill of materials of what is packed, as CycloneDX 1.5 JSON: each crate that is linked, what else is linked with it, and who uses whom."""

import datetime

import linked


def bill(version, epoch, packages, crates):
    """The document. `packages` are what is built: the program and the connectors."""
    others = linked.bundled(crates)
    components = [of_crate(crate) for crate in ordered(crates)] + [of_other(entry) for entry in others]
    root = {"type": "application", "bom-ref": "dist", "name": f"{linked.PROGRAM}-dist", "version": version,
            "licenses": [{"expression": "MIT OR Apache-2.0"}]}
    built = [reference(crate) for crate in ordered(crates) if crate.name in packages]
    built += [other_reference(entry) for entry in others if not entry["inside"]]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": root,
        },
        "components": components,
        "dependencies": [{"ref": "dist", "dependsOn": built}, *dependencies(crates, others)],
    }


def ordered(crates):
    return sorted(crates.values(), key=lambda crate: crate.key)


def reference(crate):
    return f"pkg:cargo/{crate.name}@{crate.version.replace('+', '%2B')}"


def of_crate(crate):
    component = {"type": "library", "bom-ref": reference(crate), "name": crate.name, "version": crate.version,
                 "licenses": [{"expression": crate.licence}]}
    if not crate.is_ours:
        component["purl"] = reference(crate)
        component["hashes"] = [{"alg": "SHA-256", "content": crate.sha256}]
    return component


def of_other(entry):
    return {"type": "library", "bom-ref": other_reference(entry), "name": entry["name"], "version": entry["version"],
            "licenses": [{"expression": entry["licence"]}], "purl": other_reference(entry),
            "externalReferences": [{"type": "website", "url": entry["url"]}]}


def other_reference(entry):
    return f"pkg:generic/{entry['name']}@{entry['version']}"


def dependencies(crates, others):
    inside = {}
    for entry in filter(lambda entry: entry["inside"], others):
        inside.setdefault(entry["inside"].key, []).append(other_reference(entry))
    for crate in ordered(crates):
        uses = [reference(crates[key]) for key in sorted(crate.uses)] + inside.get(crate.key, [])
        yield {"ref": reference(crate), "dependsOn": uses}
