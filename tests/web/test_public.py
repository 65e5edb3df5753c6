"""The public pages, in every language."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask

from portal.content.schema import Content
from tests.conftest import CheckingClient
from tests.web.browsing import text_of

LANGUAGES = ("fi", "sv", "en")
Counting = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def content(app: Flask) -> Content:
    loaded: Content = app.extensions["yhteys.content"]
    return loaded


def paths(content: Content) -> list[str]:
    """Every page that says the same to everybody, without its language."""
    return [
        "/",
        "/contacts",
        *(f"/priorities/{priority.slug}" for priority in content.priorities),
        *(f"/topics/{topic.slug}" for topic in content.topics),
        *(f"/pages/{page.slug}" for page in content.pages),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_opens_and_offers_itself_in_the_other_languages(
    client: CheckingClient, content: Content, language: str
) -> None:
    for path in paths(content):
        response = client.get(f"/{language}{path}")
        assert response.status_code == 200, path
        for other in LANGUAGES:
            assert f'href="/{other}{path}"' in response.text, path
        assert "%(" not in response.text


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("sv-FI,fi;q=0.5", "sv"),
        ("de,en;q=0.3", "en"),
        ("de", "fi"),
        ("", "fi"),
        ("en-GB", "en"),
        ("fi;q=0,sv", "sv"),
        ("*", "fi"),
        ("x" * 500, "fi"),
    ],
)
def test_the_root_speaks_the_browsers_language(client: CheckingClient, asked: str, given: str) -> None:
    response = client.get("/", headers={"Accept-Language": asked})
    assert (response.status_code, response.location) == (302, f"/{given}/")
    assert response.headers["Vary"] == "Accept-Language"


def test_contacts_say_who_answers_what_with_telephone_and_mail(client: CheckingClient, content: Content) -> None:
    response = client.get("/en/contacts")
    said = text_of(response)
    for manager in content.managers:
        assert manager.name in said
        assert manager.email in said
        assert manager.phone.replace(" ", "") in response.text
    for topic in content.topics:
        assert topic.title["en"] in said


def test_addresses_are_kept_from_plain_harvesting(client: CheckingClient, content: Content) -> None:
    for path in ("/en/contacts", "/fi/topics/errin"):
        assert not re.search(r"[\w.+-]+@[\w-]+\.\w+|mailto:", client.get(path).text)


def test_ended_and_renamed_topics_say_so_and_still_reach_the_manager(client: CheckingClient) -> None:
    for path, words in (
        ("/en/topics/berst", ["No longer running", "2015", "Hannu Koponen", "2026"]),
        ("/en/topics/frcc", ["EastCham Finland", "Veli-Pekka Päivänen"]),
        ("/en/priorities/good-practices", ["Erasmus+"]),
    ):
        response = client.get(path)
        said = text_of(response)
        assert all(word in said for word in words), said
    assert 'href="/en/contact?topic=berst"' in client.get("/en/topics/berst").text


def test_public_pages_ask_no_database_and_are_kept(client: CheckingClient, count_statements: Counting) -> None:
    with count_statements() as statements:
        first = client.get("/fi/")
        again = client.get("/fi/")
        other = client.get("/sv/")
    assert statements == []
    assert first.data == again.data != other.data
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in first.headers
    assert client.get("/fi/", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert client.get("/sv/", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    head = client.head("/fi/")
    assert (head.status_code, head.data) == (200, b"")
    assert len(first.data) <= 8 * 1024


def test_a_kept_page_has_the_same_headers_as_a_fresh_one(client: CheckingClient) -> None:
    fresh, kept = client.get("/en/contacts"), client.get("/en/contacts")
    assert dict(fresh.headers) == dict(kept.headers)
    assert "Content-Security-Policy" in kept.headers


@pytest.mark.parametrize(
    "path", ["/en/topics/weather", "/en/priorities/none", "/en/pages/none", "/en/nothing", "/en/topics/../x"]
)
def test_what_is_not_there_is_404_in_the_visitors_language(client: CheckingClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert '<html lang="en"' in response.text


def test_an_unknown_language_is_404_in_the_default_one(client: CheckingClient) -> None:
    for path in ("/de/", "/xx/contact", "/nothing", "/workspaces"):
        response = client.get(path)
        assert response.status_code == 404
        assert '<html lang="fi"' in response.text


def test_a_wrong_method_is_405_and_changes_nothing(client: CheckingClient) -> None:
    assert client.post("/en/contacts").status_code == 405
    assert client.delete("/en/").status_code == 405


def test_no_page_names_another_host_for_its_files(client: CheckingClient, content: Content) -> None:
    for path in paths(content):
        html = client.get(f"/en{path}").text
        assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', html), path


def test_static_files_are_kept_for_a_year(client: CheckingClient) -> None:
    match = re.search(r'href="(/static/portal\.[0-9a-f]+\.css)"', client.get("/en/").text)
    assert match
    response = client.get(match.group(1))
    assert response.status_code == 200
    assert "max-age=31536000" in response.headers["Cache-Control"]


def test_no_query_confuses_the_language_switch(client: CheckingClient) -> None:
    response = client.get("/en/?endpoint=x&_anchor=y&lang=sv&topic=ä")
    assert response.status_code == 200
    assert 'href="/fi/?endpoint=x&amp;_anchor=y&amp;topic=%C3%A4"' in response.text
