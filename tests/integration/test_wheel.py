"""A release: the wheel carries all that an installation needs, and runs far from any checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

USE = """
import portal
from flask_migrate import upgrade
from portal.operations.editions import publish_edition
from portal.settings import data_root

app = portal.create_app()
with app.app_context():
    upgrade()
    publish_edition(content=app.extensions["yhteys.content"])
for path in ("/fi/", "/sv/", "/en/contact"):
    page = app.test_client().get(path)
    assert page.status_code == 200, page.status
    assert "portal.css" not in page.text, "the style sheet is not the built one"
print(data_root())
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer would lay it out."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_holds_what_is_built_and_nothing_to_build_with(unpacked: Path) -> None:
    assert (unpacked / "portal/static/manifest.json").exists(), "build first: python portal/frontend/build.py"
    for language in ("fi", "sv"):
        assert (unpacked / f"portal/translations/{language}/LC_MESSAGES/messages.mo").exists()
    assert not (unpacked / "portal/frontend").exists()
    assert not list(unpacked.rglob("*.po")), "sources of catalogues are not needed"
    assert list(unpacked.glob("*.dist-info/licenses/docs/LICENSE"))


def test_the_wheel_runs_from_an_empty_folder(unpacked: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(unpacked),
        "YHTEYS_ENVIRONMENT": "development",
        "YHTEYS_DATA_DIR": str(tmp_path / "var"),
    }
    ran = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(unpacked / "portal" / "_data")
