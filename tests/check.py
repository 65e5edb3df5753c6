"""Everything that can be said about the code without running it: ``make check``.

All checks run, two at a time, so that one look shows all that is wrong.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS: dict[str, list[str | Path]] = {
    "types": [BIN / "mypy"],
    "import contracts": [BIN / "lint-imports", "--no-logo"],
    "code": [BIN / "ruff", "check", "--quiet", "."],
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "templates parse": [sys.executable, "tests/check_templates.py"],
    "templates": [BIN / "djlint", "--lint", "--quiet", "templates"],
    "catalogues": [sys.executable, "tests/catalogues.py", "check"],
}


def run(command: list[str | Path]) -> tuple[bool, str, float]:
    """Whether a command was content, what it said, and how long it took."""
    began = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode == 0, done.stdout.strip(), time.monotonic() - began


def main() -> int:
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for name, (good, said, seconds) in zip(CHECKS, pool.map(run, CHECKS.values()), strict=True):
            print(f"{'ok    ' if good else 'FAILED'} {name} ({seconds:.1f} s)", flush=True)
            if not good:
                failed += 1
                print("    " + said.replace("\n", "\n    "), flush=True)
    print(f"{failed} of {len(CHECKS)} checks failed" if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
