"""What a compiled program is made of: `bill` prints a CycloneDX bill of materials, `notices` the licence texts.

Both list exactly the crates that are linked into the program of one package for one target, as `cargo tree`
resolves them, without build scripts, procedural macros and dependencies of other packages or of tests.
(cargo-cyclonedx 0.5.9 lists 28 crates more, which are not in the program, and the builder's folders.)

    python release/materials.py bill|notices PACKAGE TARGET
"""

import json
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
FONTS = ROOT / "crates/concertina-plot/assets/fonts"
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)


def output(*command):
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout


def linked(package, target):
    """The packages of `cargo metadata` that are linked into a package, and who depends on whom among them."""
    tree = output(
        "cargo", "tree", "--locked", "--package", package, "--target", target, "--edges", "normal,no-proc-macro",
        "--prefix", "none", "--format", "{p}",
    )  # fmt: skip
    wanted = {tuple(re.match(r"(\S+) v(\S+)", line).groups()) for line in tree.splitlines() if line}
    metadata = json.loads(output("cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", target))
    packages = {each["id"]: each for each in metadata["packages"] if (each["name"], each["version"]) in wanted}
    assert len(packages) == len(wanted), f"expected {len(wanted)} packages, found {len(packages)}"
    uses = {
        node["id"]: [
            dependency["pkg"]
            for dependency in node["deps"]
            if dependency["pkg"] in packages and any(kind["kind"] is None for kind in dependency["dep_kinds"])
        ]
        for node in metadata["resolve"]["nodes"]
        if node["id"] in packages
    }
    return packages, uses


def checksums():
    """The checksums of Cargo.lock, by name and version."""
    entries = re.findall(
        r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]{64})"',
        (ROOT / "Cargo.lock").read_text(encoding="utf-8"),
    )
    return {(name, version): checksum for name, version, checksum in entries}


def is_ours(package):
    return package["source"] is None


def licence(package):
    """The licence as an SPDX expression; older manifests separate alternatives by a slash."""
    return re.sub(r"\s*/\s*", " OR ", package["license"])


def mit(authors):
    """The text of the MIT licence with other authors than ours."""
    ours = (ROOT / "LICENSE-MIT").read_text(encoding="utf-8").strip()
    return re.sub(r"Copyright \(c\).*", f"Copyright (c) {authors}", ours, count=1)


def runtime(target):
    """What is linked without being a crate: name, version, licence, text."""
    rustc = re.search(r"rustc (\S+)", output("rustc", "--version"))[1]
    apache = (ROOT / "LICENSE-APACHE").read_text(encoding="utf-8").strip()
    font = (FONTS / "LICENSE.txt").read_text(encoding="utf-8").strip()
    parts = [
        ("rust-std", rustc, "MIT OR Apache-2.0", apache),
        ("liberation-fonts", re.match(r"Liberation Sans (\S+)", font)[1], "OFL-1.1", font),
    ]
    if target.endswith("-linux-gnu"):
        # zig links its compiler-rt, and LLVM's libunwind, whose exception asks for no notice
        zig = re.search(r"ziglang==(\S+)", (ROOT / "release/requirements.txt").read_text(encoding="utf-8"))[1]
        parts.append(("zig-runtime", zig, "MIT AND Apache-2.0 WITH LLVM-exception", mit("Zig contributors")))
    return parts


def bill(package, target):
    packages, uses = linked(package, target)
    known = checksums()
    commit = output("git", "rev-parse", "HEAD").strip()

    def reference(each):
        name = f"pkg:cargo/{each['name']}@{each['version']}"
        if is_ours(each):
            name += f"?vcs_url={quote('git+' + each['repository'] + '@' + commit, safe='')}"
        return name

    def component(each):
        described = {
            "type": "application" if each["name"] == package else "library",
            "bom-ref": reference(each),
            "name": each["name"],
            "version": each["version"],
            "licenses": [{"expression": licence(each)}],
            "purl": reference(each),
        }
        checksum = known.get((each["name"], each["version"]))
        if checksum:
            described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if each["repository"]:
            described["externalReferences"] = [{"type": "vcs", "url": each["repository"]}]
        return described

    ordered = sorted(packages.values(), key=lambda each: (each["name"], each["version"]))
    root = next(each for each in ordered if each["name"] == package)
    others = [
        {"type": "library", "bom-ref": name, "name": name, "version": version, "licenses": [{"expression": spdx}]}
        for name, version, spdx, _ in runtime(target)
    ]
    dependencies = [
        {"ref": reference(each), "dependsOn": sorted(reference(packages[used]) for used in uses[each["id"]])}
        for each in ordered
    ]
    time = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{commit} {package} {target}')}",
            "version": 1,
            "metadata": {
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "component": component(root),
                "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": target}],
            },
            "components": [component(each) for each in ordered if each is not root] + others,
            "dependencies": dependencies,
        },
        indent=1,
        ensure_ascii=False,
    )


def texts(package):
    """The licence texts that a crate comes with, without its copy of Apache-2.0 where it offers MIT too."""
    folder = Path(package["manifest_path"]).parent
    files = sorted(file for file in folder.iterdir() if file.is_file() and LICENCE_FILE.match(file.name))
    if any("MIT" in file.name.upper() for file in files) and " OR " in licence(package):
        files = [file for file in files if "APACHE" not in file.name.upper()]
    if files:
        return [file.read_text(encoding="utf-8", errors="replace").strip() for file in files]
    # a crate that names a licence and leaves out its text
    if "MIT" not in re.split(r"[ ()]+", licence(package)):
        sys.exit(f"{package['name']} {package['version']}: no licence text, and {licence(package)} is not MIT")
    authors = ", ".join(re.sub(r"\s*<[^>]*>", "", author) for author in package["authors"])
    authors = authors or f"the authors of {package['name']}"
    return [mit(authors)]


def notices(package, target):
    packages, _ = linked(package, target)
    foreign = sorted(
        (each for each in packages.values() if not is_ours(each)), key=lambda each: (each["name"], each["version"])
    )
    lines = [
        f"The program of Concertina for {target} contains the software of others that is listed here.",
        "The texts of its licences follow.",
        "",
    ]
    lines += [
        f"{each['name']} {each['version']}: {licence(each)}; {each['repository'] or 'no address'}" for each in foreign
    ]
    lines += [f"{name} {version}: {spdx}" for name, version, spdx, _ in runtime(target)]
    # one text for all that share it, whatever its line breaks
    every = [(f"{each['name']} {each['version']}", text) for each in foreign for text in texts(each)]
    every += [(f"{name} {version}", text) for name, version, _, text in runtime(target)]
    users = {}
    for name, text in every:
        users.setdefault(" ".join(text.split()), (text, []))[1].append(name)
    for text, names in users.values():
        lines += ["", "=" * 80, ", ".join(dict.fromkeys(names)), "-" * 80, text]
    return "\n".join(lines)


if __name__ == "__main__":
    prints = {"bill": bill, "notices": notices}
    if len(sys.argv) != 4 or sys.argv[1] not in prints:
        sys.exit("usage: python release/materials.py bill|notices PACKAGE TARGET")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print(prints[sys.argv[1]](*sys.argv[2:]))
