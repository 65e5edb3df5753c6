"""``portal serve`` and ``portal worker``: the two processes of an installation."""

import os
import signal
import sys
import threading
from types import FrameType

import click
import structlog
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger()

POLL_SECONDS = 1.0
SWEEP_SECONDS = 3600.0
LAPSE_SECONDS = 60.0


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@click.option("--workers", type=int, help="Processes; by default one on SQLite and two elsewhere.")
@click.option("--threads", type=int, default=8, show_default=True, help="Threads of each process.")
@click.option(
    "--grace", type=int, default=20, show_default=True, help="Seconds that requests get to end when it stops."
)
@with_appcontext
def serve(bind: str, workers: int | None, threads: int, grace: int) -> None:
    """Serve the portal with gunicorn. In production a buffering proxy stands before it."""
    from portal.cli.checks import ground_faults
    from portal.operations.editions import publish_edition
    from portal.settings import current

    host = bind.rpartition(":")[0].strip("[]")
    if current().development and host != "::1" and not host.startswith(("127.", "localhost")):
        # Captured letters, with the access codes in them, can be read by whoever reaches the server.
        raise click.ClickException("a development server is for this machine alone: bind it to 127.0.0.1")
    if found := ground_faults():
        raise click.ClickException("\n".join(found))
    publish_edition(content=current_app.extensions["yhteys.content"])
    embedded = current().database_url.startswith("sqlite")
    processes = workers or (1 if embedded else 2)
    os.execv(  # noqa: S606  the server takes this process over, so signals reach it directly
        sys.executable,
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config=python:portal.cli.heart",
            "--worker-class=gthread",
            f"--workers={processes}",
            f"--threads={threads}",
            f"--bind={bind}",
            "--preload",
            "--keep-alive=75",
            f"--graceful-timeout={grace}",
            "--log-level=warning",
            "portal.wsgi:application",
        ],
    )


@click.command()
@with_appcontext
def worker() -> None:
    """Deliver letters and sweep up, until stopped."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    run_worker(stopped)


def run_worker(stopped: threading.Event) -> None:
    """Let decisions take effect and deliver what is due; each minute end offers that nobody answered, and at the
    start and each hour sweep away what nobody needs.
    """
    from time import monotonic

    from portal.database import db
    from portal.operations.decisions import apply_due_decisions
    from portal.operations.offers import lapse_offers
    from portal.operations.outbox import deliver_due

    swept_at, lapsed_at = -SWEEP_SECONDS, -LAPSE_SECONDS
    while not stopped.is_set():
        busy = False
        try:
            if monotonic() - swept_at >= SWEEP_SECONDS:
                swept_at = monotonic()
                _sweep()
            if monotonic() - lapsed_at >= LAPSE_SECONDS:
                lapsed_at = monotonic()
                lapse_offers()
            decided = apply_due_decisions()
            busy = deliver_due().any or decided > 0
        except SQLAlchemyError as error:
            db.session.rollback()
            log.warning("database_unavailable", error=type(error).__name__)
            stopped.wait(5)
        except Exception:  # a worker that ends sends no letter at all, and nobody is told
            db.session.rollback()
            log.exception("worker_stumbled")
            stopped.wait(5)
        finally:
            db.session.remove()
        if not busy:
            stopped.wait(POLL_SECONDS)


def _sweep() -> None:
    from portal.gateways.storage import StorageUnavailable
    from portal.operations.attachments import sweep_files
    from portal.operations.drafts import delete_expired_drafts, remind_drafts
    from portal.operations.sessions import sweep_sessions

    sessions = sweep_sessions()
    log.info("drafts_swept", reminded=remind_drafts(), deleted=delete_expired_drafts())
    try:
        log.info("swept", files=sweep_files(), sessions=sessions)
    except StorageUnavailable as error:  # letters need no files: they go all the same
        log.warning("files_not_swept", reason=str(error))


def register(group: click.Group) -> None:
    """Add the commands."""
    group.add_command(serve)
    group.add_command(worker)
