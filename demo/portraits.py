"""Pictures of people: a simple face on two colours, drawn from the colours in `data/team.toml`."""

from __future__ import annotations

import random
from io import BytesIO

from PIL import Image, ImageDraw

from demo.team import Person

SIDE = 256
SCALE = 2
"""Drawn larger and reduced, so that edges are smooth."""


def draw_portrait(person: Person) -> bytes:
    """The picture of *person* as PNG. It is the same each time."""
    upper, lower, skin, hair, clothes, style = person.portrait
    size = SIDE * SCALE
    image = _gradient(size, upper, lower)
    draw = ImageDraw.Draw(image)
    chance = random.Random(person.username)
    _halo(draw, size, upper, chance)
    face = _Face(draw, size, skin, hair, clothes)
    face.draw(style, has_glasses=chance.random() < 0.3)
    out = BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def _gradient(size: int, upper: str, lower: str) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((size, size)).rotate(18, resample=Image.Resampling.BILINEAR, expand=False)
    ramp = ramp.resize((size, size), box=(size // 6, size // 6, size - size // 6, size - size // 6))
    return Image.composite(Image.new("RGB", (size, size), lower), Image.new("RGB", (size, size), upper), ramp)


def _halo(draw: ImageDraw.ImageDraw, size: int, colour: str, chance: random.Random) -> None:
    """A disc somewhere behind the head."""
    radius = size * chance.uniform(0.26, 0.36)
    x, y = size * chance.uniform(0.25, 0.75), size * chance.uniform(0.22, 0.4)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


class _Face:
    """Draws a head and shoulders. Positions are parts of the side of the picture."""

    def __init__(self, draw: ImageDraw.ImageDraw, size: int, skin: str, hair: str, clothes: str):
        self._pen, self._size = draw, size
        self._skin, self._hair, self._clothes = skin, hair, clothes

    def draw(self, style: str, *, has_glasses: bool) -> None:
        self._behind(style)
        self._ellipse(0.14, 0.76, 0.86, 1.5, self._clothes)
        self._round(0.43, 0.6, 0.57, 0.82, self._shade)
        self._ellipse(0.4, 0.72, 0.6, 0.86, self._skin)
        self._ellipse(0.325, 0.27, 0.675, 0.71, self._skin)
        if style == "beard":
            self._chord(0.325, 0.35, 0.675, 0.73, 10, 170, self._hair)
            self._ellipse(0.4, 0.46, 0.6, 0.6, self._skin)
        self._features(has_glasses, is_bearded=style == "beard")
        self._above(style)

    @property
    def _shade(self) -> str:
        red, green, blue = (int(self._skin[i : i + 2], 16) for i in (1, 3, 5))
        return f"#{int(red * 0.86):02x}{int(green * 0.82):02x}{int(blue * 0.8):02x}"

    def _behind(self, style: str) -> None:
        if style == "long":
            self._round(0.27, 0.3, 0.73, 0.9, self._hair, 0.2)
        elif style == "bob":
            self._round(0.275, 0.3, 0.725, 0.68, self._hair, 0.16)
        elif style == "bun":
            self._ellipse(0.4, 0.08, 0.6, 0.28, self._hair)
        elif style == "scarf":
            self._ellipse(0.25, 0.2, 0.75, 0.82, self._clothes)
            self._round(0.25, 0.5, 0.75, 0.95, self._clothes, 0.2)

    def _above(self, style: str) -> None:
        if style == "scarf":
            self._chord(0.3, 0.2, 0.7, 0.66, 190, 350, self._clothes)
            return
        if style == "cap":
            self._chord(0.3, 0.2, 0.7, 0.64, 180, 360, self._clothes)
            self._round(0.5, 0.39, 0.8, 0.44, self._clothes, 0.025)
            return
        self._chord(0.305, 0.2, 0.695, 0.68, 200, 340, self._hair)
        if style in ("long", "bob"):
            self._chord(0.29, 0.22, 0.6, 0.56, 150, 310, self._hair)

    def _features(self, has_glasses: bool, *, is_bearded: bool) -> None:
        for x in (0.425, 0.575):
            self._ellipse(x - 0.016, 0.475, x + 0.016, 0.512, "#2b2424")
            if has_glasses:
                self._ring(x - 0.058, 0.437, x + 0.058, 0.55)
        if has_glasses:
            self._pen.line(self._at(0.483, 0.485, 0.517, 0.485), fill="#2b2424", width=self._size // 110)
        self._pen.arc(
            self._at(0.45, 0.53, 0.55, 0.615),
            20,
            160,
            fill="#d98880" if is_bearded else "#7c3b35",
            width=self._size // 80,
        )
        if not is_bearded:
            for x in (0.38, 0.62):
                self._ellipse(x - 0.03, 0.55, x + 0.03, 0.585, self._shade)

    def _at(self, *parts: float) -> tuple[float, ...]:
        return tuple(part * self._size for part in parts)

    def _ellipse(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        self._pen.ellipse(self._at(left, top, right, bottom), fill=colour)

    def _ring(self, left: float, top: float, right: float, bottom: float) -> None:
        self._pen.ellipse(self._at(left, top, right, bottom), outline="#2b2424", width=self._size // 90)

    def _chord(
        self, left: float, top: float, right: float, bottom: float, start: float, end: float, colour: str
    ) -> None:
        self._pen.chord(self._at(left, top, right, bottom), start, end, fill=colour)

    def _round(self, left: float, top: float, right: float, bottom: float, colour: str, radius: float = 0.06) -> None:
        self._pen.rounded_rectangle(self._at(left, top, right, bottom), radius * self._size, fill=colour)
