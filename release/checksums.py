"""Writes SHA256SUMS of all files in a folder, to be checked by `sha256sum --check SHA256SUMS` there.

python release/checksums.py [FOLDER]         (default: dist)
"""

import hashlib
import sys
from pathlib import Path

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS")
if not files:
    sys.exit(f"expected files in `{folder}`, found none; `release/archive` and `python/release` write them")
lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
(folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8", newline="\n")
print("".join(lines), end="")
