"""Pages that say the same to everybody; nothing here asks the database."""

from collections import defaultdict

from flask import Response, abort, redirect, render_template, url_for

from portal.content.schema import Content, Manager, Topic
from portal.queries.editions import content
from portal.web.pages import same_for_all
from portal.web.public.routes import blueprint
from portal.web.security.doors import public
from portal.web.security.languages import accepted_language


@blueprint.get("/")
@public
def negotiate() -> Response:
    """Send a visitor to the front page in the language their browser asks for."""
    languages = content().organisation.languages
    response = redirect(url_for("public.front", lang=accepted_language(languages)), 302)
    response.headers["Vary"] = "Accept-Language"
    assert isinstance(response, Response)
    return response


@blueprint.get("/<language:lang>/")
@public
@same_for_all
def front() -> str:
    """The priorities, and the way to whoever can help."""
    return render_template(
        "public/front.html", priorities=content().priorities, topics_by_priority=_topics_by_priority(content())
    )


@blueprint.get("/<language:lang>/priorities/<slug>")
@public
@same_for_all
def priority(slug: str) -> str:
    """A priority with its topics, networks and programmes."""
    found = content().priority_by_slug.get(slug) or abort(404)
    return render_template(
        "public/priority.html",
        priority=found,
        topics=_topics_by_priority(content())[slug],
        programmes=[programme for programme in content().programmes if programme.priority == slug],
    )


@blueprint.get("/<language:lang>/topics/<slug>")
@public
@same_for_all
def topic(slug: str) -> str:
    """A topic: what it is, whether it still runs, and who answers."""
    found = content().topic_by_slug.get(slug) or abort(404)
    return render_template(
        "public/topic.html",
        topic=found,
        manager=content().manager_by_key[found.manager],
        priority=content().priority_by_slug[found.priority],
    )


@blueprint.get("/<language:lang>/contacts")
@public
@same_for_all
def contacts() -> str:
    """Who answers what, with telephone and mail."""
    return render_template("public/contacts.html", rows=_managers_with_topics(content()))


@blueprint.get("/<language:lang>/pages/<slug>")
@public
@same_for_all
def page(slug: str) -> str:
    """A page of running text: the privacy notice, the accessibility statement."""
    return render_template("public/page.html", page=content().page_by_slug.get(slug) or abort(404))


def _topics_by_priority(edition: Content) -> dict[str, list[Topic]]:
    grouped: dict[str, list[Topic]] = defaultdict(list)
    for found in edition.topics:
        grouped[found.priority].append(found)
    return grouped


def _managers_with_topics(edition: Content) -> list[tuple[Manager, list[Topic]]]:
    return [
        (manager, [found for found in edition.topics if found.manager == manager.key]) for manager in edition.managers
    ]
