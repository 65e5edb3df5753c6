"""Publishing the content."""

from flask import current_app
from sqlalchemy import func, select

from portal import clock
from portal.content.schema import Content
from portal.database import insert_for, transaction
from portal.models import Edition


def publish_edition(*, content: Content) -> int:
    """Store the content as the next edition and return its number; content already stored keeps its own."""
    with transaction() as connection:
        known = connection.scalar(select(Edition.number).where(Edition.digest == content.digest))
        if known is None:
            following = (connection.scalar(select(func.max(Edition.number))) or 0) + 1
            connection.execute(
                insert_for(connection)(Edition)
                .values(number=following, digest=content.digest, document=content.document, published_at=clock.now())
                .on_conflict_do_nothing()
            )
            known = connection.scalar(select(Edition.number).where(Edition.digest == content.digest))
    assert known is not None
    current_app.extensions.pop("yhteys.edition", None)
    return known
