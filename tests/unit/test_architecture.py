"""What holds for the house as a whole and no linter can see."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from portal.settings import data_root

ROOT = Path(__file__).resolve().parents[2]

# Put together here, or this file would name them too.
SERVERS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("cdnjs", "cloudflare", "com"),
        ("googleapis", "com"),
    )
]
_LEFT_OUT = {".git", ".venv", "node_modules", "static", "var", "dist", "__pycache__", "uv.lock"}


def tracked_files() -> list[Path]:
    """Every file of the project: those Git knows, or all but what is built, where there is no Git."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and not name.startswith(".")]
        found += [Path(folder, name) for name in files if name not in _LEFT_OUT]
    return found


def texts() -> dict[Path, str]:
    read = {}
    for path in tracked_files():
        try:
            read[path.relative_to(ROOT)] = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    return read


def test_no_file_names_a_server_that_packages_come_from() -> None:
    found = [f"{path}: {server}" for path, text in texts().items() for server in SERVERS if server in text]
    assert not found, "\n".join(found)


def test_lock_files_pin_every_package_by_hash() -> None:
    for name in ("requirements.lock", "requirements-build.lock", "requirements-dev.lock"):
        entries = re.split(r"\n(?=\S)", (ROOT / name).read_text("utf-8").strip())
        assert entries, name
        for entry in entries:
            assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+( ;.*)? \\\n", entry), f"{name}: {entry[:80]}"
            assert "--hash=sha256:" in entry, f"{name}: {entry[:80]}"


def test_what_runs_is_what_is_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")
    assert pins("requirements-build.lock") <= pins("requirements-dev.lock")


def test_no_room_is_called_a_cupboard() -> None:
    cupboards = {"utils", "util", "common", "helpers", "helper", "services", "extensions", "misc"}
    found = [
        str(path)
        for path in (ROOT / "portal").rglob("*")
        if path.stem in cupboards and "node_modules" not in path.parts
    ]
    assert not found


@pytest.mark.parametrize("folder", ["templates", "migrations", "config"])
def test_data_is_found_in_the_checkout_and_no_stale_copy_is_installed(folder: str) -> None:
    assert data_root() == ROOT
    assert (data_root() / folder).is_dir()
