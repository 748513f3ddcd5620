"""Pictures that strangers send: looked at with suspicion, decoded once, and kept only as what we encoded ourselves.

What is kept holds pixels alone: no metadata (EXIF has places and names), no trailing bytes, nothing that two programs could
read as two different things.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from threading import BoundedSemaphore
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from backend.errors import UnsupportedMediaType, ValidationFailed
from backend.offload import off_loop

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 25_000_000
"""A picture of a telephone has 12 million. Decoded, this takes 100 MB."""

MAX_SIDE = 16_000
_at_once = BoundedSemaphore(2)


class NoImage(UnsupportedMediaType):
    code = "unsupported_image"
    detail = "Send an image: JPEG, PNG, WebP or GIF."


def square(source: BinaryIO, side: int) -> bytes:
    """The middle of a picture as a WebP of *side* by *side* pixels; a smaller picture gives a smaller square.

    Raises NoImage, and ValidationFailed for one with too many pixels, which its header tells before anything is decoded.
    """
    with _at_once:
        return off_loop(_square, source, side)


def _square(source: BinaryIO, side: int) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd but readable files
        try:
            image = Image.open(source, formats=FORMATS)
            _check_size(image)
            image.draft("RGB", (side * 2, side * 2))  # a JPEG is decoded no larger than it is needed
            upright = ImageOps.exif_transpose(image)
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            pixels = upright.convert("RGBA" if has_alpha else "RGB")
        except (UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise NoImage from error
        except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError, KeyError) as error:
            raise NoImage("The image is damaged.") from error
        edge = min(side, *pixels.size)
        fitted = ImageOps.fit(pixels, (edge, edge))
        clean = Image.new(fitted.mode, fitted.size)  # a picture without the history of the other
        clean.paste(fitted)
        out = BytesIO()
        clean.save(out, "WEBP", quality=85, method=4)
    return out.getvalue()


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ValidationFailed.of(
            "file", f"The image has more than {MAX_PIXELS:,} pixels, or a side above {MAX_SIDE:,}."
        )
