"""The calls of a demonstration installation: whole in every language, in every phase that a newcomer should see."""

import tomllib
from typing import Any

from flask import Flask

from portal.operations.call_life import faults_of
from portal.operations.sample_calls import add_sample_calls
from portal.queries.call_page import get_call_page, list_calls
from portal.rules.publishing import document_faults
from portal.settings import data_root
from tests.people import add_people


def samples() -> list[dict[str, Any]]:
    read = tomllib.loads((data_root() / "config" / "samples" / "calls.toml").read_text("utf-8"))
    found: list[dict[str, Any]] = read["calls"]
    return found


def test_sample_calls_are_whole_and_stored_once(app: Flask) -> None:
    people = add_people(app)
    lead, reviewer = people["koponen"], people["pirinen"]
    with app.app_context():
        for _ in range(2):
            add_sample_calls(lead, samples=samples(), reviewer_id=reviewer.account_id)
        calls = [call for call, _waiting in list_calls(lead)]
        assert [(call.phase, call.times.ends_at is None) for call in reversed(calls)] == [
            ("open", False),
            ("open", True),
            ("scheduled", False),
            ("decided", False),
        ]
        content = app.extensions["yhteys.content"]
        for call in calls:
            assert document_faults(call.document, content.organisation.languages, content.topic_by_slug) == []
            assert all(content.topic_by_slug[slug].status == "active" for slug in call.document.topics)
            page = get_call_page(lead, call.slug)
            assert [person.name for person in page.reviewers] == ["Demo Pirinen"]
            assert page.events[-1].kind == "created"
            if call.phase != "decided":
                assert faults_of(call) == []
