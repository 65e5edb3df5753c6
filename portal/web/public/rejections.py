"""Why a file cannot be taken in, and what to do about it, in words."""

from portal.i18n import gettext
from portal.rules.uploads import MAX_FILES, Reason


def explain(reason: Reason, name: str, limit: int = MAX_FILES) -> str:
    """One sentence or two about the file called ``name``; ``limit`` is how many files the form takes."""
    return {
        "too_large": gettext("“%(name)s” is larger than 10 MB. Send a smaller version.", name=name),
        "too_many": gettext("You can attach %(count)s files at most. “%(name)s” was left out.", count=limit, name=name),
        "empty": gettext("“%(name)s” is empty. Choose another file.", name=name),
        "unreadable_name": gettext("A file has no readable name. Rename it and choose it again."),
        "type_not_allowed": gettext(
            "“%(name)s” is of a type that we can't take. Save it as PDF, docx, odt, xlsx, ods, png, jpg or txt.",
            name=name,
        ),
        "content_mismatch": gettext(
            "“%(name)s” is not what the end of its name says. Save it again in its own format.", name=name
        ),
        "encrypted": gettext("“%(name)s” is protected by a password. Send it without one.", name=name),
        "active_content": gettext(
            "“%(name)s” contains macros or scripts, which can be dangerous. "
            "Save it without them, for example as a new PDF.",
            name=name,
        ),
        "damaged": gettext("“%(name)s” is damaged or cut off. Check that it opens, and choose it again.", name=name),
        "too_complex": gettext(
            "“%(name)s” is too complicated to check. Send a simpler version, for example a PDF.", name=name
        ),
    }[reason]
