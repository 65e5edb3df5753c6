"""How many durable commits of one small statement a second the database takes: the measure of a submission."""

import sqlite3
import threading
import time
from pathlib import Path

from sqlalchemy.engine import make_url

_TEXT = "x" * 1000


def commits_a_second(database_url: str, folder: Path, clients: int, seconds: float) -> float:
    """Commits a second with so many writers; SQLite has one whatever is asked."""
    if database_url.startswith("sqlite"):
        return _of_sqlite(folder / "raw.sqlite", seconds)
    return _of_postgres(database_url, clients, seconds)


def _of_sqlite(file: Path, seconds: float) -> float:
    connection = sqlite3.connect(file, isolation_level=None)
    for said in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
        connection.execute(said)
    connection.execute("CREATE TABLE IF NOT EXISTS bench_raw (id INTEGER PRIMARY KEY, body TEXT)")
    began, made = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        connection.execute("INSERT INTO bench_raw (body) VALUES (?)", (_TEXT,))
        made += 1
    connection.close()
    return made / seconds


def _of_postgres(database_url: str, clients: int, seconds: float) -> float:
    import psycopg

    url = make_url(database_url)
    where = f"host={url.query['host']} user={url.username} dbname={url.database}"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_raw (id bigserial PRIMARY KEY, body text)")
    made: list[int] = []

    def write() -> None:
        count = 0
        with psycopg.connect(where, autocommit=True) as connection:
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                connection.execute("INSERT INTO bench_raw (body) VALUES (%s)", (_TEXT,))
                count += 1
        made.append(count)

    writers = [threading.Thread(target=write) for _ in range(clients)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return sum(made) / seconds
