"""Logs: one line an event, as JSON where a program reads them and as text on a terminal; no personal data."""

import logging
import sys

import structlog


def configure() -> None:
    """Set the log up for this process."""
    readable = sys.stderr.isatty()
    # Plain tracebacks: the richer kind prints the variables too, and with them what people wrote.
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if readable
            else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
