"""The file store: what it said it has, it has; what failed leaves nothing."""

import errno
import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from portal.gateways.storage import BadKey, Files, StorageUnavailable
from portal.rules.uploads import MAX_BYTES, AttachmentRejected

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "files"


@pytest.fixture
def files(folder: Path) -> Files:
    return Files(folder)


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


class Stream(io.RawIOBase):
    """A stream that answers each read with the next of ``answers``, and remembers how much was asked for."""

    def __init__(self, *answers: bytes | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[int] = []

    def read(self, size: int = -1) -> bytes:
        self.asked.append(size)
        answer = self.answers.pop(0) if self.answers else b""
        if isinstance(answer, BaseException):
            raise answer
        return answer


def as_stream(*answers: bytes | BaseException) -> BinaryIO:
    return Stream(*answers)  # type: ignore[return-value]


def test_a_file_comes_back_as_it_went_in(files: Files, folder: Path) -> None:
    content = os.urandom(700_000)
    stored = files.save(io.BytesIO(content), MAX_BYTES)
    assert (stored.size, stored.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    with files.open(stored.key) as file:
        assert file.read() == content
    assert files.path(stored.key).read_bytes() == content
    assert left_in(folder) == [f"{stored.key[:2]}/{stored.key}"]


def test_only_the_owner_may_read(files: Files, folder: Path) -> None:
    path = files.path(files.save(io.BytesIO(b"x"), 1).key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(above.stat().st_mode) for above in (path.parent, folder)} == {0o700}


def test_the_same_bytes_twice_are_two_files(files: Files) -> None:
    assert files.save(io.BytesIO(b"x"), 1).key != files.save(io.BytesIO(b"x"), 1).key


def test_a_stream_is_read_from_where_it_stands_and_never_whole(files: Files) -> None:
    stream = io.BytesIO(b"head and body")
    stream.seek(5)
    assert files.save(stream, 100).size == 8
    pieces = Stream(b"a", b"b")
    assert files.save(pieces, 100).size == 2  # type: ignore[arg-type]
    assert all(0 < size <= 1024 * 1024 for size in pieces.asked)


def test_the_limit_is_the_last_size_taken_in(files: Files, folder: Path) -> None:
    assert files.save(io.BytesIO(bytes(1000)), 1000).size == 1000
    with pytest.raises(AttachmentRejected) as rejected:
        files.save(io.BytesIO(bytes(1001)), 1000)
    assert rejected.value.reason == "too_large"
    assert len(left_in(folder)) == 1


def test_an_endless_stream_is_cut_at_the_limit(files: Files, folder: Path) -> None:
    endless = Stream(*[bytes(1000)] * 1000)
    with pytest.raises(AttachmentRejected):
        files.save(endless, 5000)  # type: ignore[arg-type]
    assert len(endless.asked) == 6
    assert left_in(folder) == []


@pytest.mark.parametrize("fault", [RuntimeError("gone"), KeyboardInterrupt()])
def test_a_sender_who_goes_away_leaves_nothing(files: Files, folder: Path, fault: BaseException) -> None:
    with pytest.raises(type(fault)):
        files.save(as_stream(b"half", fault), 100)
    assert left_in(folder) == []


@pytest.mark.parametrize("failing", ["fsync", "open", "rename"])
@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_full_disk_is_said_so_and_leaves_nothing(
    files: Files, folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str, fails_at: int
) -> None:
    files.save(io.BytesIO(b"x"), 1)
    kept = left_in(folder)
    calls = 0
    real: Callable[..., object] = getattr(os, failing)

    def full(*arguments: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/secret/place")
        return real(*arguments, **more)

    monkeypatch.setattr(os, failing, full)
    try:
        files.save(io.BytesIO(b"y"), 1)
    except StorageUnavailable as fault:
        assert "/secret/place" not in str(fault)
    else:
        assert calls < fails_at
        return
    finally:
        monkeypatch.undo()
    assert left_in(folder) == kept


def test_a_disk_that_truly_is_full_is_said_so(tmp_path: Path) -> None:
    program = (
        "import io, resource, signal, sys; from pathlib import Path\n"
        "from portal.gateways.storage import Files, StorageUnavailable\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: Files(Path(sys.argv[1])).save(io.BytesIO(bytes(5000)), 9000)\n"
        "except StorageUnavailable: print('said so')"
    )
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "said so"
    assert left_in(tmp_path) == []


def test_bytes_are_durable_before_the_name_and_the_name_before_the_answer(
    files: Files, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(descriptor: int) -> None:
        done.append(f"fsync {os.readlink(f'/proc/self/fd/{descriptor}')}")
        real_fsync(descriptor)

    def rename(source: str, target: str) -> None:
        done.append(f"rename {target}")
        real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    place = files.path(files.save(io.BytesIO(b"x"), 1).key)
    # New folders first, from the top; then the bytes, the name, and the folders that hold the name.
    assert done == [
        f"fsync {folder.parent.parent}",
        f"fsync {folder.parent}",
        f"fsync {folder}",
        f"fsync {place.parent}/.part-{place.name}",
        f"rename {place}",
        f"fsync {place.parent}",
        f"fsync {folder}",
    ]


KILLED = """
import sys, time
from pathlib import Path
from portal.gateways.storage import Files

class Slow:
    def read(self, size):
        print("reading", flush=True)
        if hasattr(self, "asked"):
            time.sleep(60)
        self.asked = True
        return b"half"

Files(Path(sys.argv[1])).save(Slow(), 100)
"""


def test_what_a_kill_left_is_no_file_and_is_swept(files: Files, folder: Path) -> None:
    whole = files.save(io.BytesIO(b"x"), 1).key
    with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert len(left_in(folder)) == 2
    assert list(files.keys_older_than(LATER)) == [whole]
    assert files.remove_unfinished(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert files.remove_unfinished(LATER) == 1
    assert left_in(folder) == [f"{whole[:2]}/{whole}"]


BAD_KEYS = [
    "",
    "a" * 31,
    "a" * 33,
    "A" * 32,
    "g" * 32,
    "../" * 10 + "ab",
    "a" * 31 + "\n",
    "a" * 32 + "\n",
    "a" * 31 + "/",
    "٣" * 32,
    "\x00" * 32,
]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_what_is_no_key_is_refused(files: Files, key: str) -> None:
    for verb in (files.path, files.open, files.delete):
        with pytest.raises(BadKey):
            verb(key)


def test_missing_bytes_are_a_fault_of_the_store(files: Files) -> None:
    for verb in (files.path, files.open):
        with pytest.raises(StorageUnavailable):
            verb("a" * 32)


def test_links_are_refused(files: Files, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("do not tell")
    linked, in_linked = "ab" + "0" * 30, "cd" + "0" * 30
    (folder / "ab").mkdir(parents=True)
    (folder / "ab" / linked).symlink_to(secret)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / in_linked).write_text("do not delete")
    (folder / "cd").symlink_to(tmp_path / "elsewhere")
    for key in (linked, in_linked):
        for verb in (files.path, files.open):
            with pytest.raises(StorageUnavailable):
                verb(key)
    with pytest.raises(StorageUnavailable):
        files.delete(in_linked)
    files.delete(linked)  # the link goes, what it points to stays
    assert secret.exists()
    assert (tmp_path / "elsewhere" / in_linked).exists()
    assert list(files.keys_older_than(LATER)) == []


def test_nothing_is_saved_through_a_linked_folder(
    files: Files, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder.mkdir(parents=True)
    (folder / "ab").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr("secrets.token_hex", lambda _: "ab" + "0" * 30)
    with pytest.raises(StorageUnavailable):
        files.save(io.BytesIO(b"x"), 1)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_deleting_is_for_good_and_may_be_repeated(files: Files, folder: Path) -> None:
    key = files.save(io.BytesIO(b"x"), 1).key
    files.delete(key)
    files.delete(key)
    files.delete("a" * 32)
    assert left_in(folder) == []


def test_the_sweep_sees_what_is_older_and_may_delete_on_the_way(files: Files, folder: Path) -> None:
    old = {files.save(io.BytesIO(b"x"), 1).key for _ in range(20)}
    for key in old:
        os.utime(files.path(key), (time.time() - 7200,) * 2)
    new = files.save(io.BytesIO(b"x"), 1).key
    (folder / "readme.txt").write_text("not ours")
    (folder / new[:2] / "readme.txt").write_text("not ours")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    swept = set()
    for key in files.keys_older_than(hour_ago):
        files.delete(key)
        swept.add(key)
    assert swept == old
    assert list(files.keys_older_than(hour_ago)) == []
    assert set(files.keys_older_than(LATER)) == {new}


def test_a_store_that_was_never_used_is_empty(files: Files) -> None:
    assert list(files.keys_older_than(LATER)) == []
    assert files.remove_unfinished(LATER) == 0


def test_moments_say_their_zone(files: Files) -> None:
    with pytest.raises(ValueError, match="aware"):
        list(files.keys_older_than(datetime(2030, 1, 1)))  # noqa: DTZ001
