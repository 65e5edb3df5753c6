"""How our cookies are set: for this host alone, out of reach of scripts, and not sent along from other sites."""

from flask import Response, request

from portal import settings


def name_of(cookie: str) -> str:
    """The name that a cookie goes by.

    In production it begins with ``__Host-``, so that browsers take it from this very host over HTTPS only: a
    neighbour under the same domain can plant none of its own.
    """
    return cookie if settings.current().development else f"__Host-{cookie}"


def read(cookie: str) -> str:
    """The value that came with this request; empty without one."""
    return request.cookies.get(name_of(cookie), "")


def give(response: Response, cookie: str, value: str, max_age_seconds: int | None = None) -> None:
    """Set a cookie; without a term it lasts as long as the browser runs."""
    response.set_cookie(
        name_of(cookie),
        value,
        max_age=max_age_seconds,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=not settings.current().development,
    )


def take_back(response: Response, cookie: str) -> None:
    """Delete a cookie from the browser."""
    response.delete_cookie(
        name_of(cookie), path="/", httponly=True, samesite="Lax", secure=not settings.current().development
    )
