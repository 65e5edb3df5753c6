"""A ZIP archive that is sent while it is made: however large it gets, a few hundred kilobytes are in memory."""

import hashlib
from collections.abc import Generator, Iterator
from datetime import datetime
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

CHUNK_BYTES = 256 * 1024


class Archive:
    """An archive whose bytes come out as they are made.

    Each method yields what is ready; whoever sends it takes everything from each before calling the next.
    """

    def __init__(self) -> None:
        self._outlet = _Outlet()
        self._zip = ZipFile(self._outlet, "w")  # type: ignore[call-overload]

    def add(self, name: str, at: datetime, content: bytes) -> Iterator[bytes]:
        """Put a small file into the archive, packed. ``at`` is its time, in the zone it is to be shown in."""
        self._zip.writestr(_entry(name, at, packed=True), content)
        yield from self._outlet.ready()

    def add_file(
        self, name: str, at: datetime, stream: BinaryIO, *, packed: bool = False
    ) -> Generator[bytes, None, str]:
        """Put a file into the archive, a piece at a time.

        Most kinds of files are packed already; packing them again takes time and gains nothing.

        Returns:
            The SHA-256 of what was read, in hex; empty when reading broke off, and the file in the archive with it.
        """
        digest = hashlib.sha256()
        broken = False
        with self._zip.open(_entry(name, at, packed=packed), "w") as entry:
            while True:
                try:
                    chunk = stream.read(CHUNK_BYTES)
                except OSError:
                    broken = True
                    break
                if not chunk:
                    break
                digest.update(chunk)
                entry.write(chunk)
                yield from self._outlet.ready()
        return "" if broken else digest.hexdigest()

    def end(self) -> Iterator[bytes]:
        """Close the archive; the rest of its bytes."""
        self._zip.close()
        yield from self._outlet.ready(everything=True)


class _Outlet:
    """Where the archive is written to: a stream that cannot go back, whose bytes are taken away by the chunk."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing lies anywhere else."""

    def ready(self, *, everything: bool = False) -> Iterator[bytes]:
        if self._held and (everything or len(self._held) >= CHUNK_BYTES):
            chunk, self._held = bytes(self._held), bytearray()
            yield chunk


def _entry(name: str, at: datetime, *, packed: bool) -> ZipInfo:
    entry = ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
    entry.external_attr = 0o600 << 16
    return entry
