"""Reading a CV file in the judge's process; nothing of the file itself stays with the portal."""

import json
import tempfile
from typing import BinaryIO, get_args

from portal.gateways.courtroom import CV
from portal.gateways.judge import hear
from portal.rules.profiles import CvKind, CvReason, CvRefused, Profile
from portal.rules.uploads import MAX_BYTES

MAX_ANSWER_BYTES = 64 * 1024

_CHUNK_BYTES = 256 * 1024


def read_cv(stream: BinaryIO, kind: CvKind) -> Profile:
    """What a CV says that our form asks; an empty profile for a PDF without data.

    The file is copied from where ``stream`` stands into one without a name, which is gone when this returns. Takes
    as long as a judgement.

    Raises:
        CvRefused: with the reason; ``too_complex`` also when reading crashed or took too long.
        JudgeUnavailable: it could not be read.
        OSError: the disk is full.
    """
    with tempfile.TemporaryFile() as file:
        size = 0
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > MAX_BYTES:
                raise CvRefused("too_large")
            file.write(chunk)
        if size == 0:
            raise CvRefused("empty")
        file.seek(0)
        said = hear(file.fileno(), f"{CV}{kind}", MAX_ANSWER_BYTES)
    return _profile(said)


def _profile(said: bytes) -> Profile:
    """The answer, which a hostile file may have written: believed only as far as it has the form of one."""
    reasons = {reason.encode(): reason for reason in _reasons()}
    if said in reasons:
        raise CvRefused(reasons[said])
    try:
        if len(said) <= MAX_ANSWER_BYTES:
            return Profile.from_data(json.loads(said))
    except (ValueError, RecursionError):
        pass
    raise CvRefused("too_complex")


def _reasons() -> list[CvReason]:
    return [reason for union in get_args(CvReason) for reason in get_args(union)]
