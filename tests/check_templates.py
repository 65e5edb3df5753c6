"""Compile every template, and see that each template it names is there."""

import sys
import tempfile
from pathlib import Path

from jinja2 import TemplateError, meta

from portal import create_app
from tests.installation import make_settings


def faults() -> list[str]:
    """All that is wrong, a line each."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(make_settings(Path(folder), f"sqlite:///{folder}/none.sqlite"))
    environment = app.jinja_env
    names = environment.list_templates()
    found = [] if names else ["there are no templates"]
    for name in names:
        assert environment.loader is not None
        source = environment.loader.get_source(environment, name)[0]
        try:
            environment.compile(source, name)
            tree = environment.parse(source, name)
        except TemplateError as error:
            found.append(f"{name}:{getattr(error, 'lineno', '?')}: {error}")
            continue
        missing = {other for other in meta.find_referenced_templates(tree) if other is not None} - set(names)
        found += [f"{name}: there is no template {other}" for other in sorted(missing)]
    return found


if __name__ == "__main__":
    said = faults()
    print("\n".join(said) or "Every template compiles.")
    sys.exit(1 if said else 0)
