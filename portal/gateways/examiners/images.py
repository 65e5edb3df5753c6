"""Pictures: decoded whole, since only that shows that they are whole."""

import warnings
from collections.abc import Callable
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from portal.rules.uploads import AttachmentRejected

MAX_PIXELS = 60_000_000

Image.preinit()  # before the first file comes, not in each judgement anew
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)


def image_examiner(signature: bytes, formats: tuple[str, ...]) -> Callable[[BinaryIO], None]:
    """A function that refuses what does not begin with ``signature`` or is no whole picture in Pillow's ``formats``."""

    def examine_image(file: BinaryIO) -> None:
        if file.read(len(signature)) != signature:
            raise AttachmentRejected("content_mismatch")
        try:
            with Image.open(file, formats=formats) as image:
                image.verify()  # reads every checksum, and leaves the image unusable
            with Image.open(file, formats=formats) as image:
                image.load()
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise AttachmentRejected("too_complex") from None
        except UnidentifiedImageError:
            raise AttachmentRejected("damaged") from None

    return examine_image
