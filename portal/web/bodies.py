"""Bodies of requests: one that cannot be read is refused as a whole, never taken for an empty form.

A form that came back empty would tell its sender that nothing was lost, when everything was.
"""

from typing import IO, Any

from flask import Flask, Request
from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser


class StrictForms(FormDataParser):
    """Werkzeug's parser, which by itself passes over what it cannot read."""

    def parse(self, stream: IO[bytes], mimetype: str, content_length: int | None, options: Any = None) -> Any:
        self.silent = False
        try:
            return super().parse(stream, mimetype, content_length, options)
        except ValueError as error:
            raise BadRequest from error


class StrictRequest(Request):
    """A request whose forms are read whole or not at all."""

    form_data_parser_class = StrictForms


def init_app(app: Flask) -> None:
    """Read every request so."""
    app.request_class = StrictRequest
