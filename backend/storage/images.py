"""Pictures that strangers send: looked at with suspicion, decoded once, and kept only as what we encoded ourselves.

What is kept holds pixels alone: no metadata (EXIF has places and names), no trailing bytes, nothing that two programs could
read as two different things.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from backend.errors import UnsupportedMediaType, ValidationFailed
from backend.threadpool import PICTURES

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 25_000_000
"""A picture of a telephone has 12 million. A JPEG is decoded at the size that is needed, whatever it has."""

MAX_WHOLE_PIXELS = 16_000_000
"""Of what is decoded whole, in at most 0.3 s and 130 MB: a PNG of a screen of 5K has 15 million."""

START_OF_SCAN, MAX_SCANS = b"\xff\xda", 32
"""A progressive JPEG has ten scans. Each may say nothing in a few bytes, and still goes over the whole picture."""

MAX_SIDE = 16_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # it refuses twice as many, before a WebP reserves the memory for them


class NoImage(UnsupportedMediaType):
    code = "unsupported_image"
    detail = "Send an image: JPEG, PNG, WebP or GIF."


def square(source: BinaryIO, side: int, owner: str) -> bytes:
    """The middle of a picture as a WebP of *side* by *side* pixels; a smaller picture gives a smaller square.

    Those of each *owner* wait in turn with those of others. Raises NoImage, Busy, and ValidationFailed for one with too many
    pixels, which its header tells before anything is decoded.
    """
    return PICTURES.run(owner, _square, source, side)


def _square(source: BinaryIO, side: int) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd but readable files
        try:
            image = Image.open(source, formats=FORMATS)
            _check_size(image)
            _check_scans(image, source)
            image.draft("RGB", (side * 2, side * 2))  # a JPEG is decoded no larger than it is needed
            upright = ImageOps.exif_transpose(image)
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            pixels = upright.convert("RGBA" if has_alpha else "RGB")
        except Image.DecompressionBombError as error:
            raise _too_large(MAX_PIXELS) from error
        except UnidentifiedImageError as error:
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
    most = MAX_PIXELS if image.format == "JPEG" else MAX_WHOLE_PIXELS
    if width * height > most or max(width, height) > MAX_SIDE:
        raise _too_large(most)


def _too_large(most: int) -> ValidationFailed:
    return ValidationFailed.of("file", f"The image has more than {most:,} pixels, or a side above {MAX_SIDE:,}.")


def _check_scans(image: Image.Image, source: BinaryIO) -> None:
    if image.format == "JPEG":
        position = source.tell()
        source.seek(0)
        scans, end = 0, b""
        while piece := source.read(65_536):
            scans += (end + piece).count(START_OF_SCAN)
            end = piece[-1:]
        source.seek(position)
        if scans > MAX_SCANS:
            raise NoImage("The image is damaged.")
