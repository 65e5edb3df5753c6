"""The file store: a folder in which a file that was acknowledged survives a power cut.

Why this is code of our own: ``docs/decisions/0002-local-files.md``.
"""

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from portal.rules.uploads import AttachmentRejected

_CHUNK_BYTES = 256 * 1024
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_UNFINISHED = ".part-"


class StorageUnavailable(Exception):
    """The folder cannot be written or read now, or a file that should be there is not: e.g. a full or missing disk."""


class BadKey(ValueError):
    """This is no key of the file store."""


@dataclass(frozen=True)
class StoredFile:
    """A file whose bytes are on the disk. ``size`` is in bytes, ``sha256`` in hex."""

    key: str
    size: int
    sha256: str


class Files:
    """Files under random keys in ``folder``, which need not exist before the first is saved.

    A file lies in a sub-folder named after the first two characters of its key, readable by its owner alone.
    Keys are the only names: what a person called the file is never part of a path.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, stream: BinaryIO, limit: int) -> StoredFile:
        """Store a file; on return its bytes are on the disk, and so is its name.

        It is never whole in memory. After an error nothing is left of it; after a power cut or a kill at most an
        unfinished file, see ``remove_unfinished``.

        Args:
            stream: read from where it stands to its end.
            limit: the most bytes there may be.

        Raises:
            AttachmentRejected: ``too_large``.
            StorageUnavailable: the disk is full, missing or broken.
        """
        key = secrets.token_hex(16)
        place = self._place(key)
        unfinished = place.with_name(_UNFINISHED + key)
        with _storing():
            _make_folder(place.parent)
            if place.parent.is_symlink():
                raise StorageUnavailable("a sub-folder is a symbolic link")
            try:
                size, sha256 = _write(stream, unfinished, limit)
                unfinished.rename(place)
                # Both, every time: whoever made the sub-folder may have been cut off before its own fsync.
                _sync_folder(place.parent)
                _sync_folder(self._folder)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                place.unlink(missing_ok=True)
                raise
        return StoredFile(key, size, sha256)

    def path(self, key: str) -> Path:
        """Where the file lies, for a reader that needs a path.

        Raises:
            BadKey: this is no key.
            StorageUnavailable: the file is not there, or something else is in its place (a symbolic link, say).
        """
        place = self._place(key)
        with _storing():
            in_folder = stat.S_ISDIR(place.parent.lstat().st_mode)
            if not in_folder or not stat.S_ISREG(place.lstat().st_mode):
                raise StorageUnavailable(f"not a file: {key}")
        return place

    def open(self, key: str) -> BinaryIO:
        """The file, opened for reading; the caller closes it.

        Raises:
            BadKey, StorageUnavailable: as for ``path``.
        """
        place = self.path(key)
        with _storing():
            return os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")

    def delete(self, key: str) -> None:
        """Delete the file for good; one that is gone already is no error.

        Raises:
            BadKey: this is no key.
            StorageUnavailable: it could not be deleted.
        """
        place = self._place(key)
        with _storing():
            if place.parent.is_symlink():
                raise StorageUnavailable(f"not a file: {key}")
            with suppress(FileNotFoundError):
                place.unlink()
                _sync_folder(place.parent)

    def keys_older_than(self, moment: datetime) -> Iterator[str]:
        """The keys of files stored before ``moment`` (aware), in no order; files may be deleted meanwhile.

        Raises:
            StorageUnavailable: the folder cannot be read.
        """
        for entry in self._entries_older_than(moment):
            if _KEY.fullmatch(entry.name) and Path(entry.path).parent.name == entry.name[:2]:
                yield entry.name

    def remove_unfinished(self, moment: datetime) -> int:
        """Delete what a power cut or a kill left half written before ``moment`` (aware); returns how many.

        ``moment`` should lie an hour or more back: a slow upload is unfinished, too.

        Raises:
            StorageUnavailable: the folder cannot be read or written.
        """
        removed = 0
        for entry in self._entries_older_than(moment):
            if entry.name.startswith(_UNFINISHED):
                with _storing():
                    Path(entry.path).unlink(missing_ok=True)
                removed += 1
        return removed

    def _place(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise BadKey("no key of the file store")
        return self._folder / key[:2] / key

    def _entries_older_than(self, moment: datetime) -> Iterator[os.DirEntry[str]]:
        if moment.tzinfo is None:
            raise ValueError("the moment must be aware")
        with _storing():
            folders = sorted(self._folder.iterdir()) if self._folder.exists() else []
        for folder in folders:
            if not re.fullmatch("[0-9a-f]{2}", folder.name) or folder.is_symlink():
                continue
            with _storing():
                entries = [entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
            yield from (entry for entry in entries if _stored_before(entry, moment))


def _stored_before(entry: os.DirEntry[str], moment: datetime) -> bool:
    with _storing():
        try:
            return datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC) < moment
        except FileNotFoundError:
            return False


def _write(stream: BinaryIO, target: Path, limit: int) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise AttachmentRejected("too_large")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _make_folder(folder: Path) -> None:
    """Make the folder and those above it, each for its owner alone, and their names durable."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Without the path: it says where the installation keeps its files.
        raise StorageUnavailable(error.strerror or "the file store does not answer") from error
