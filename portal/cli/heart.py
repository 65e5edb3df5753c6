"""Settings of gunicorn (``-c python:portal.cli.heart``): each process that answers lets the portal's heart beat.

It is the server that beats and no other process: an outage is a time in which the portal did not answer.
"""

import threading
from typing import Any

import structlog
from flask import Flask

BEAT_SECONDS = 60.0


def post_worker_init(worker: Any) -> None:
    """Gunicorn calls this in each process once it has forked: a thread from before would not have come along."""
    start_beating(worker.wsgi, threading.Event())


def start_beating(app: Flask, stopped: threading.Event) -> threading.Thread:
    """Beat at once and then each minute, in a thread that ends with its process."""
    thread = threading.Thread(target=_keep_beating, args=(app, stopped), name="heartbeat", daemon=True)
    thread.start()
    return thread


def _keep_beating(app: Flask, stopped: threading.Event) -> None:
    from portal.database import db
    from portal.operations.uptime import beat

    log = structlog.get_logger()
    while not stopped.is_set():
        with app.app_context():
            try:
                beat()
            except Exception as error:  # a heart that stops would make an outage of a portal that answers
                log.warning("heart_missed_a_beat", error=type(error).__name__)
            finally:
                try:
                    db.session.remove()
                except Exception as error:
                    log.warning("connection_not_returned", error=type(error).__name__)
        stopped.wait(BEAT_SECONDS)
