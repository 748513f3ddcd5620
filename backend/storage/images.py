"""Uploaded pictures. They are untrusted: they are decoded once, and only a new encoding of the pixels is stored.

The result has no metadata (EXIF may have places and names), no trailing bytes, and nothing that two programs could read in two
ways.
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
"""For JPEG. A phone takes pictures of 12 million pixels. A JPEG is decoded at about the size that is needed."""

MAX_WHOLE_PIXELS = 16_000_000
"""For formats that are decoded completely, which takes up to 0.3 s and 130 MB. A PNG of a 5K screen has 15 million pixels."""

START_OF_SCAN, MAX_SCANS = b"\xff\xda", 32
"""A progressive JPEG has about ten scans. A scan of a few bytes still costs a pass over the whole picture."""

MAX_SIDE = 16_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow refuses twice this number, before it reserves memory for a WebP


class NoImage(UnsupportedMediaType):
    code = "unsupported_image"
    detail = "Send an image: JPEG, PNG, WebP or GIF."


def square(source: BinaryIO, side: int, owner: str) -> bytes:
    """The middle of a picture as a square WebP of *side* pixels, or fewer for a smaller picture.

    The pictures of each *owner* wait in a queue of their own. Raises NoImage, Busy, and ValidationFailed for a picture with too
    many pixels, which its header tells before anything is decoded.
    """
    return PICTURES.run(owner, _square, source, side)


def _square(source: BinaryIO, side: int) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of unusual but readable files
        try:
            image = Image.open(source, formats=FORMATS)
            _check_size(image)
            _check_scans(image, source)
            image.draft("RGB", (side * 2, side * 2))  # decode a JPEG no larger than needed
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
        clean = Image.new(fitted.mode, fitted.size)  # a new picture has no metadata
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
