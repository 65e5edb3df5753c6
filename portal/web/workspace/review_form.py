"""The form of a review: for each criterion a score and why; it may be kept unfinished."""

from datetime import datetime
from typing import Any

from wtforms import HiddenField, RadioField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice

from portal.content.calls import Criterion
from portal.i18n import gettext
from portal.i18n import lazy_gettext as lazy
from portal.operations.reviews import WrittenReview
from portal.queries.reviews import ReviewLine
from portal.rules.reviews import SCORES, reason_of, score_of
from portal.rules.text import normalise_newlines
from portal.web.forms import Form
from portal.web.validators import MaxLength, Storable
from portal.web.workspace.forms import NOTE_LENGTH, CaseForm

_WHY_LENGTH = 5_000


def _typed(text: str | None) -> str:
    return normalise_newlines(text or "")


def _known_score(_form: Form, field: RadioField) -> None:
    if field.data and field.data not in {str(score) for score in SCORES}:
        raise ValidationError(gettext("Choose a score from 1 to 5."))


class ReviewForm(Form):
    """A review. ``seen`` is when it was last changed, as the page showed it."""

    seen = HiddenField()
    criteria: tuple[Criterion, ...] = ()

    @property
    def written(self) -> WrittenReview:
        """The review as it was typed."""
        scores = {}
        for criterion in self.criteria:
            number, why = self.score_field(criterion).data, self.why_field(criterion).data
            if number or why:
                scores[criterion.key] = {"score": int(number) if number else None, "why": why}
        return WrittenReview(scores, self["comment-body"].data or "", _moment(self.seen.data))

    def score_field(self, criterion: Criterion) -> Any:
        """The field with the score for a criterion."""
        return self[f"{criterion.key}-score"]

    def why_field(self, criterion: Criterion) -> Any:
        """The field with the justification."""
        return self[f"{criterion.key}-reason"]

    def complete(self) -> bool:
        """Whether nothing is missing for finishing; what is missing is noted at its field."""
        for criterion in self.criteria:
            if not self.score_field(criterion).data:
                text = gettext("Give a score for “%(criterion)s”.", criterion=criterion.title)
                self.score_field(criterion).errors = [text]
            if not (self.why_field(criterion).data or "").strip():
                text = gettext("Say why you gave this score for “%(criterion)s”.", criterion=criterion.title)
                self.why_field(criterion).errors = [text]
        if not self.criteria and not (self["comment-body"].data or "").strip():
            self["comment-body"].errors = [gettext("Write what you think of the application.")]
        return not self.errors


def review_form(criteria: tuple[Criterion, ...], *, stored: ReviewLine | None = None) -> ReviewForm:
    """The form for the criteria of a call, as it was sent, or with ``stored`` as it was saved."""
    fields: dict[str, Any] = {"criteria": criteria}
    meanings = {1: gettext("1 – poor"), 2: gettext("2 – fair"), 3: gettext("3 – good")}
    meanings |= {4: gettext("4 – very good"), 5: gettext("5 – excellent")}
    for criterion in criteria:
        fields[f"{criterion.key}-score"] = RadioField(
            criterion.title,
            choices=[SelectChoice(str(score), meanings[score]) for score in SCORES],
            validators=[_known_score],
            validate_choice=False,
        )
        fields[f"{criterion.key}-reason"] = TextAreaField(
            gettext("Why this score? (%(criterion)s)", criterion=criterion.title),
            filters=[_typed],
            validators=[Storable(), MaxLength(_WHY_LENGTH)],
        )
    # The names end as they do so that a text survives a session that ended while it was written.
    fields["comment-body"] = TextAreaField(
        gettext("Anything else about the application"),
        filters=[_typed],
        validators=[Storable(), MaxLength(NOTE_LENGTH)],
    )
    kind = type("ReviewForm", (ReviewForm,), fields)
    if stored is None:
        form: ReviewForm = kind()
        return form
    values: dict[str, Any] = {"comment-body": stored.comment, "seen": stored.changed_at.isoformat()}
    for criterion in criteria:
        values[f"{criterion.key}-score"] = str(score_of(stored.scores, criterion.key) or "")
        values[f"{criterion.key}-reason"] = reason_of(stored.scores, criterion.key)
    return kind(formdata=None, data=values)  # type: ignore[no-any-return]


def _moment(typed: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(typed or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


class ShortlistForm(CaseForm):
    """Putting an application on the short list or taking it off, with a reason if one is given."""

    reason = TextAreaField(lazy("Reason"), filters=[_typed], validators=[Storable(), MaxLength(NOTE_LENGTH)])
