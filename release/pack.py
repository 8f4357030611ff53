"""Packs a folder into an archive whose bytes follow from its content: names in order, no owners, and the time
in SOURCE_DATE_EPOCH.

    python release/pack.py FOLDER ARCHIVE.tar.gz|ARCHIVE.zip
"""

import gzip
import os
import sys
import tarfile
import time
import zipfile
from pathlib import Path


def mode(path):
    executable = path.name in ("concertina", "concertina.exe")
    return 0o755 if path.is_dir() or executable else 0o644


def pack_tar(folder, paths, archive, seconds):
    with (
        open(archive, "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in paths:
            entry = tarfile.TarInfo(path.relative_to(folder.parent).as_posix())
            entry.mtime, entry.mode = seconds, mode(path)
            if path.is_dir():
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
            else:
                entry.size = path.stat().st_size
                with open(path, "rb") as content:
                    tar.addfile(entry, content)


def pack_zip(folder, paths, archive, seconds):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in paths:
            if path.is_dir():
                continue
            entry = zipfile.ZipInfo(path.relative_to(folder.parent).as_posix(), time.gmtime(seconds)[:6])
            entry.external_attr = mode(path) << 16
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())


def main(folder, archive):
    folder = Path(folder).resolve()
    paths = [folder, *sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())]
    pack = pack_zip if archive.endswith(".zip") else pack_tar
    pack(folder, paths, archive, int(os.environ["SOURCE_DATE_EPOCH"]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python release/pack.py FOLDER ARCHIVE.tar.gz|ARCHIVE.zip")
    main(*sys.argv[1:])
