"""Uploaded images. They are untrusted: they are decoded once, and the pixels are encoded again.

The result has no metadata (EXIF may contain places and names), no trailing bytes, and nothing that programs could interpret
differently.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from backend.errors import UnsupportedMediaType, ValidationFailed
from backend.threadpool import PICTURES

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 25_000_000
"""For JPEG. Photos from phones have 12 million pixels. A JPEG is decoded at about the size that is needed."""

MAX_WHOLE_PIXELS = 16_000_000
"""For formats that are decoded completely, in up to 0.3 s and 130 MB. A screenshot of a 5K screen has 15 million pixels."""

START_OF_SCAN, MAX_SCANS = b"\xff\xda", 32
"""A progressive JPEG has about ten scans. Decoding a scan of a few bytes still takes a pass over the whole image."""

MAX_SIDE = 16_000
TURNED = (5, 6, 7, 8)
"""The EXIF orientations that exchange width and height."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow rejects more than twice this, before it allocates memory for a WebP


class NoImage(UnsupportedMediaType):
    code = "unsupported_image"
    detail = "Send an image: JPEG, PNG, WebP or GIF."


@dataclass(frozen=True)
class Thumbnail:
    """A small copy of an image as WebP, and the width and height of the upright original in pixels."""

    data: bytes
    width: int
    height: int


def square(source: BinaryIO, side: int, owner: str) -> bytes:
    """Return the centre of an image as a square WebP with sides of *side* pixels, or fewer for a smaller image.

    Each *owner* has a separate queue. Raises NoImage, Busy, and ValidationFailed for an image with too many pixels. The header
    is checked before the image is decoded.
    """
    return PICTURES.run(owner, _square, source, side)


def thumbnail(source: BinaryIO, side: int, owner: str) -> Thumbnail:
    """Return the whole image as a WebP of at most *side* by *side* pixels, never enlarged. Raises what `square` raises."""
    return PICTURES.run(owner, _thumbnail, source, side)


def _square(source: BinaryIO, side: int) -> bytes:
    pixels, _ = _decode(source, side)
    edge = min(side, *pixels.size)
    return _encode(ImageOps.fit(pixels, (edge, edge)))


def _thumbnail(source: BinaryIO, side: int) -> Thumbnail:
    pixels, (width, height) = _decode(source, side)
    if max(pixels.size) > side:
        pixels = ImageOps.contain(pixels, (side, side))
    return Thumbnail(_encode(pixels), width, height)


def _decode(source: BinaryIO, side: int) -> tuple[Image.Image, tuple[int, int]]:
    """Return the upright pixels, not reduced below *side* pixels on a side, and the size of the upright original."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of unusual but readable files
        try:
            image = Image.open(source, formats=FORMATS)
            _check_size(image)
            _check_scans(image, source)
            size = image.size
            image.draft("RGB", (side * 2, side * 2))  # decode a JPEG no larger than needed
            is_turned = image.getexif().get(ExifTags.Base.Orientation) in TURNED
            upright = ImageOps.exif_transpose(image)
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            pixels = upright.convert("RGBA" if has_alpha else "RGB")
        except Image.DecompressionBombError as error:
            raise _too_large(MAX_PIXELS) from error
        except UnidentifiedImageError as error:
            raise NoImage from error
        except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError, KeyError) as error:
            raise NoImage("The image is damaged.") from error
    return pixels, (size[1], size[0]) if is_turned else size


def _encode(pixels: Image.Image) -> bytes:
    clean = Image.new(pixels.mode, pixels.size)  # a new image has no metadata
    clean.paste(pixels)
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
