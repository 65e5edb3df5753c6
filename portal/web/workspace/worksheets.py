"""The applications of a call as a workbook: one row each, and a sheet that explains the columns."""

from collections.abc import Iterator
from statistics import fmean
from typing import BinaryIO
from zoneinfo import ZoneInfo

from portal import clock
from portal.content.calls import Question, said
from portal.gateways.spreadsheets import Cell, Column, Sheet, write_workbook
from portal.i18n import format_moment, gettext, language, language_name
from portal.queries.dossiers import Dossier, count_applications, list_dossiers
from portal.queries.editions import content
from portal.rules.applications import Answer
from portal.web.answers import answer_day, answer_text, spoken_in_words
from portal.web.rendering import country_name, text_in_language, topic_title, zone_name
from portal.web.vocabulary import FIELDS, FUNDINGS, STUDY_LEVELS, STUDY_STAGES, name_of, stage_name
from portal.web.workspace.papers import Choices, extent_in_words

BATCH = 500


def write_applications(target: BinaryIO, choices: Choices) -> None:
    """Write the workbook in the language in force; with ``choices.reviews`` the mean of each criterion is in it."""
    title = said(choices.call.document.title, language())
    zone = content().organisation.zone
    columns = _columns(choices)
    sheets = (
        Sheet(
            gettext("Applications"),
            [column for column, _said in columns],
            (_row(choices, dossier, zone) for dossier in _all(choices)),
            filters=True,
        ),
        Sheet(
            gettext("Explanations"),
            [Column(gettext("What"), 40), Column(gettext("Meaning"), 90)],
            [*_about(choices, title, zone), *((column.title, meaning) for column, meaning in columns)],
        ),
    )
    write_workbook(target, sheets, title=title, author=text_in_language(content().organisation.name))


def _all(choices: Choices) -> Iterator[Dossier]:
    after = 0
    while batch := list_dossiers(choices.viewer, choices.call, after=after, limit=BATCH):
        yield from batch
        after = batch[-1].row.id


def _columns(choices: Choices) -> list[tuple[Column, str]]:
    """Every column with what it means."""
    document = choices.call.document
    plain = gettext("As the applicant answered.")
    columns = [
        (Column(gettext("Reference"), 22), gettext("The number by which everybody knows the application.")),
        (Column(gettext("Arrived"), 17), gettext("When it arrived at the portal (%(zone)s).", zone=zone_name())),
        (Column(gettext("Late"), 8), gettext("Whether it came after closing and was admitted by a person.")),
        (Column(gettext("Stage"), 24), gettext("How the review stands.")),
        *((Column(str(label), 60 if name == "motivation" else 20), plain) for name, label in FIELDS.items()),
        *((_question_column(question), _question_meaning(question)) for question in document.questions),
        (Column(gettext("Documents"), 40), gettext("Names of the files that came with it.")),
        (Column(gettext("Reviews done"), 10), gettext("How many reviewers have finished.")),
    ]
    if choices.reviews:
        mean = gettext("The mean of the finished reviews, from 1 to 5. It is a summary and ranks nobody.")
        hidden = gettext("Empty as long as you are a reviewer yourself and have not finished.")
        columns += [
            (
                Column(gettext("Mean: %(criterion)s", criterion=criterion.title), 14),
                " ".join(filter(None, (mean, hidden, criterion.guidance))),
            )
            for criterion in document.criteria
        ]
    return columns


def _question_column(question: Question) -> Column:
    label = said(question.label, language()) or question.key
    return Column(label if len(label) <= 200 else label[:199] + "…", 40 if question.kind == "long_text" else 24)


def _question_meaning(question: Question) -> str:
    choices = ", ".join(said(choice.label, language()) for choice in question.choices)
    meaning = gettext("A question of this call: %(question)s", question=said(question.label, language()))
    return f"{meaning} ({choices})" if choices else meaning


def _about(choices: Choices, title: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    return [
        (gettext("Call"), title),
        (gettext("Applications"), extent_in_words(count_applications(choices.viewer, choices.call))),
        (gettext("Taken out"), format_moment(clock.now(), zone)),
        (gettext("By"), choices.viewer.name),
        (
            gettext("Handle with care"),
            gettext(
                "This workbook holds personal data, and parts of it can be secret by law. "
                "Delete your copy when you no longer need it."
            ),
        ),
        (
            gettext("Hidden characters"),
            gettext("Characters that hide or turn round other text are written out, such as ‹U+202E›."),
        ),
    ]


def _row(choices: Choices, dossier: Dossier, zone: ZoneInfo) -> list[Cell]:
    row, answers, document = dossier.row, dossier.answers, choices.call.document
    cells: list[Cell] = [
        row.reference,
        row.received_at.astimezone(zone),
        gettext("Yes") if row.late else "",
        stage_name(row.stage),
        answers.name,
        answers.address_as,
        language_name(answers.contact_language) if answers.contact_language else "",
        country_name(answers.country) if answers.country else "",
        answers.email,
        answers.institution,
        answers.study_field,
        name_of(STUDY_LEVELS, answers.study_level),
        name_of(STUDY_STAGES, answers.study_stage),
        topic_title(answers.topic) if answers.topic else "",
        answers.available_from,
        answers.available_to,
        answers.weeks,
        ", ".join(spoken_in_words(answers)),
        name_of(FUNDINGS, answers.funding),
        answers.motivation,
        *(_own_cell(question, answers.questions.get(question.key)) for question in document.questions),
        "\n".join(file.name for file in dossier.files),
        len(dossier.reviews),
    ]
    if choices.reviews:
        cells += [_mean(dossier, criterion.key) for criterion in document.criteria]
    return cells


def _own_cell(question: Question, value: Answer) -> Cell:
    if question.kind == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if question.kind == "date" and (day := answer_day(value)):
        return day
    return answer_text(question, value)


def _mean(dossier: Dossier, criterion: str) -> Cell:
    if dossier.withheld:
        return None
    scores = [
        float(given["score"])
        for review in dossier.reviews
        if (given := review.scores.get(criterion)) and given.get("score") is not None
    ]
    return round(fmean(scores), 2) if scores else None
