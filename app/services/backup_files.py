"""The file of a backup: a plain tar of a manifest, the database and perhaps the key, written and read whole.

It is read as if a stranger had made it: only the members below, only plain files, each once, none bigger or other than
the manifest says. Their names in the file never become paths, and no header but the plain one is understood.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from app.services.errors import BackupRefused

#: Kind of database → the member that holds it.
DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
SECRET_KEY = "secret_key"  # noqa: S105 - a name

_MANIFEST = "manifest.json"
_MANIFEST_AT_MOST = 64 * 1024
_BLOCK = tarfile.BLOCKSIZE
_PIECE = 1024 * 1024


class Member(BaseModel):
    """Size in bytes and SHA-256 of one file in the backup."""

    model_config = ConfigDict(extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """What the backup says of itself."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    #: Version of the Taskward that made it, and revision of its schema.
    taskward: str
    revision: str
    database: Literal["sqlite", "postgresql"]
    created_at: datetime
    members: dict[str, Member]


def write(output: Path, about: Mapping[str, Any], files: Mapping[str, Path]) -> Manifest:
    """Write the files, by member name, with their manifest, on to the disk; return the manifest.

    ``about`` are the fields of the manifest that only the caller knows.
    """
    members = {name: _described(path) for name, path in files.items()}
    manifest = Manifest(format=1, members=members, **about)
    draft = output.with_name(_MANIFEST)
    draft.write_text(manifest.model_dump_json(indent=2) + "\n")
    output.touch(0o600, exist_ok=False)
    with output.open("wb") as target:
        with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, path in {_MANIFEST: draft, **files}.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode, info.mtime = path.stat().st_size, 0o600, int(manifest.created_at.timestamp())
                with path.open("rb") as source:
                    tar.addfile(info, source)
        target.flush()
        os.fsync(target.fileno())
    return manifest


def read(file: Path, into: Path) -> Manifest:
    """Take a backup apart into the directory ``into``, where its files then have the names of the members.

    Raises:
        BackupRefused: it is no backup, damaged, of a newer format, or holds what no backup holds.
        OSError: it cannot be read, or there is no room.
    """
    with file.open("rb") as stream:
        entries = _entries(stream)
        name, size = next(entries, ("", 0))
        if name != _MANIFEST or size > _MANIFEST_AT_MOST:
            raise BackupRefused("The file is not a backup of Taskward.")
        manifest = _manifest(stream.read(size))
        known = {DATABASES[manifest.database], SECRET_KEY}
        seen = set()
        for name, size in entries:
            if name not in known.intersection(manifest.members) or name in seen:
                raise BackupRefused("The backup is damaged: it holds a member that does not belong there.")
            seen.add(name)
            if Member(size=size, sha256=_copy(stream, into / name, size)) != manifest.members[name]:
                raise BackupRefused(f"The backup is damaged: {name} is not what the manifest says.")
    if seen != manifest.members.keys() or DATABASES[manifest.database] not in seen:
        raise BackupRefused("The backup is damaged: something is missing.")
    return manifest


def sync_folder(folder: Path) -> None:
    """Wait until the names in a directory are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _entries(stream: BinaryIO) -> Iterator[tuple[str, int]]:
    """Yield name and size of each member, the stream being at its first byte; whoever asks may read it or not."""
    start = 0
    while True:
        stream.seek(start)
        block = stream.read(_BLOCK)
        if block == bytes(_BLOCK):
            return
        try:
            info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            damaged = "The backup is damaged: it ends too early." if start else "The file is not a backup of Taskward."
            raise BackupRefused(damaged) from error
        if info.type != tarfile.REGTYPE or info.size < 0:
            raise BackupRefused("The backup is damaged: it holds something else than files.")
        yield info.name, info.size
        start += _BLOCK + -(-info.size // _BLOCK) * _BLOCK


def _manifest(text: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        # Not the error's own words: they repeat what is in the file.
        if any(each["loc"] == ("format",) for each in error.errors()):
            raise BackupRefused("The backup has a format that this Taskward does not know; use a newer one.") from None
        raise BackupRefused("The backup is damaged: its manifest cannot be read.") from None


def _copy(stream: BinaryIO, target: Path, size: int) -> str:
    """Write the next ``size`` bytes to a new file; return their SHA-256."""
    digest = hashlib.sha256()
    target.touch(0o600, exist_ok=False)
    with target.open("wb") as file:
        while size and (piece := stream.read(min(size, _PIECE))):
            digest.update(piece)
            file.write(piece)
            size -= len(piece)
    return digest.hexdigest()


def _described(path: Path) -> Member:
    with path.open("rb") as file:
        return Member(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())
