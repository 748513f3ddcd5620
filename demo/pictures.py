"""Pictures that people send: charts, screens, sketches, maps and photographs. A name always gives the same picture."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter, ImageFont

INK, PAPER, GRID, BLUE, CORAL, GREEN, SUN = "#22303c", "#fbfaf7", "#dfe3e6", "#2f6fde", "#f0674f", "#2a9d78", "#f2b134"
SKIES = (("#fbd3a2", "#f28f79"), ("#a8d8f0", "#e9f5fb"), ("#5b6cae", "#f3a683"), ("#c6d6df", "#eef2f3"))
STREETS = ("Hamngatan", "Elbchaussee", "Altona", "Ruzafa", "Centralen", "St. Pauli", "El Cabanyal")
"""The font that Pillow brings has no letters beyond ASCII."""


def draw_picture(kind: str, name: str) -> bytes:
    """The picture *name* of a *kind* of `KINDS`: a JPEG for a photograph, otherwise a PNG."""
    image = KINDS[kind](random.Random(name), name.rpartition(".")[0].replace("-", " "))
    out = BytesIO()
    if kind == "photo":
        image.save(out, "JPEG", quality=82)
    else:
        image.save(out, "PNG", compress_level=4)
    return out.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _chart(chance: random.Random, title: str) -> Image.Image:
    """Bars or a line over twelve weeks."""
    image = Image.new("RGB", (960, 600), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((48, 32), title[:1].upper() + title[1:], fill=INK, font=_font(30))
    for step in range(6):
        y = 520.0 - step * 80
        draw.line((80, y, 912, y), fill=GRID, width=2)
        draw.text((36, y - 10), f"{step * 20}", fill="#7b8794", font=_font(18))
    level, points = chance.uniform(0.3, 0.5), []
    for week in range(12):
        level = min(0.95, max(0.15, level + chance.uniform(-0.07, 0.13)))
        points.append((112.0 + week * 70, 520 - level * 400))
        draw.text((100 + week * 70, 534), f"w{week + 30}", fill="#7b8794", font=_font(18))
    if chance.random() < 0.5:
        for x, y in points:
            draw.rounded_rectangle((x - 22, y, x + 22, 520), 6, fill=BLUE)
        x, y = points[-1]
        draw.rounded_rectangle((x - 22, y, x + 22, 520), 6, fill=CORAL)
    else:
        draw.polygon([(points[0][0], 520), *points, (points[-1][0], 520)], fill="#e3ecfb")
        draw.line(points, fill=BLUE, width=5, joint="curve")
        for x, y in points:
            draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=PAPER, outline=BLUE, width=4)
    return image


def _screen(chance: random.Random, title: str) -> Image.Image:
    """Two screens of the app beside each other."""
    image = Image.new("RGB", (960, 880), chance.choice(("#eef1f6", "#f6efe8", "#e9f4ef")))
    accent = chance.choice((BLUE, GREEN, CORAL))
    _phone(image, 90, chance, title, accent, is_map=True)
    _phone(image, 510, chance, title, accent, is_map=False)
    return image


def _phone(image: Image.Image, left: int, chance: random.Random, title: str, accent: str, *, is_map: bool) -> None:
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((left, 50, left + 360, 830), 44, fill=INK)
    draw.rounded_rectangle((left + 12, 62, left + 348, 818), 34, fill="white")
    if is_map:
        streets = _streets(336, 420, chance)
        image.paste(streets, (left + 12, 120))
        draw.ellipse((left + 150, 290, left + 206, 346), fill=accent)
        draw.ellipse((left + 168, 308, left + 188, 328), fill="white")
    draw.text((left + 36, 84), title[:24], fill=INK, font=_font(22))
    top = 560 if is_map else 140
    while top < 690:
        draw.rounded_rectangle((left + 36, top, left + 92, top + 56), 14, fill=GRID)
        draw.rounded_rectangle((left + 108, top + 8, left + chance.randrange(220, 320), top + 24), 8, fill="#b9c2cb")
        draw.rounded_rectangle((left + 108, top + 34, left + chance.randrange(170, 260), top + 46), 6, fill=GRID)
        top += 84
    draw.rounded_rectangle((left + 36, 724, left + 324, 786), 31, fill=accent)
    draw.text(
        (left + 180, 755), chance.choice(("Unlock", "Return bike", "Start ride")), "white", _font(24), anchor="mm"
    )


def _sketch(chance: random.Random, title: str) -> Image.Image:
    """Boxes and arrows, drawn by hand on paper."""
    image = Image.new("RGB", (960, 640), "#fdf8ec")
    draw = ImageDraw.Draw(image)
    for y in range(40, 640, 32):
        draw.line((0, y, 960, y), fill="#efe6d2", width=1)
    boxes = [(80, 110), (400, 90), (700, 130), (240, 380), (580, 400)]
    for (x, y), label in zip(boxes, ("dock", "queue", "trips", "app", "invoice"), strict=True):
        dx, dy = chance.randrange(-18, 18), chance.randrange(-18, 18)
        for _ in range(2):
            corners = [(x + dx, y + dy), (x + 190 + dx, y + dy), (x + 190 + dx, y + 110 + dy), (x + dx, y + 110 + dy)]
            shaky = [(a + chance.uniform(-4, 4), b + chance.uniform(-4, 4)) for a, b in corners]
            draw.line([*shaky, shaky[0]], fill=INK, width=3)
        draw.text((x + 95 + dx, y + 55 + dy), label, INK, _font(28), anchor="mm")
    for start, end in (
        ((275, 165), (395, 150)),
        ((595, 150), (695, 180)),
        ((480, 205), (350, 375)),
        ((770, 245), (690, 395)),
    ):
        draw.line((*start, *end), fill=CORAL, width=4)
        draw.ellipse((end[0] - 8, end[1] - 8, end[0] + 8, end[1] + 8), fill=CORAL)
    draw.text((40, 586), title, fill="#8a7f68", font=_font(24))
    return image


def _map(chance: random.Random, title: str) -> Image.Image:
    """Streets, water and docks."""
    image = _streets(960, 640, chance)
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        x, y = chance.randrange(80, 880), chance.randrange(110, 420)
        draw.ellipse(
            (x - 17, y - 17, x + 17, y + 17), fill=chance.choice((GREEN, GREEN, CORAL, SUN)), outline="white", width=4
        )
        draw.text((x, y), str(chance.randrange(1, 24)), "white", _font(17), anchor="mm")
    draw.rounded_rectangle((28, 24, 60 + draw.textlength(title, _font(26)), 74), 12, fill="white")
    draw.text((44, 32), title, fill=INK, font=_font(26))
    draw.text((932, 616), chance.choice(STREETS), "#7b8794", _font(20), anchor="rm")
    return image


def _streets(width: int, height: int, chance: random.Random) -> Image.Image:
    image = Image.new("RGB", (width, height), "#edeae2")
    draw = ImageDraw.Draw(image)
    slope = chance.uniform(-0.3, 0.3)
    draw.polygon(
        [(0, height), (0, height * 0.72), (width, height * (0.72 + slope / 2)), (width, height)], fill="#b9dcec"
    )
    x, y = width * chance.uniform(0.1, 0.6), height * chance.uniform(0.1, 0.4)
    draw.ellipse((x, y, x + width * 0.25, y + height * 0.25), fill="#cfe5c0")
    for number in range(9):
        along = number / 8
        draw.line((0, height * along, width, height * (along + slope)), fill="white", width=5 if number % 3 else 12)
        draw.line((width * along, 0, width * (along - slope), height), fill="white", width=5 if number % 2 else 11)
    return image


def _photo(chance: random.Random, title: str) -> Image.Image:
    """A street in some weather, with a bicycle."""
    sky = chance.choice(SKIES)
    image = Image.composite(
        Image.new("RGB", (1080, 720), sky[1]), Image.new("RGB", (1080, 720), sky[0]),
        Image.linear_gradient("L").resize((1080, 720)),
    )  # fmt: skip
    draw = ImageDraw.Draw(image)
    sun = chance.randrange(150, 900)
    draw.ellipse((sun, 90, sun + 120, 210), fill="#fff6df")
    for depth, base in enumerate((430, 480)):
        x = -40
        while x < 1080:
            width, height = chance.randrange(70, 150), chance.randrange(90, 260)
            tint = 150 - depth * 55 + chance.randrange(-12, 12)
            draw.rectangle((x, base - height, x + width, 560), fill=(tint, tint - 8, tint + 6))
            x += width + chance.randrange(0, 14)
    draw.rectangle((0, 560, 1080, 720), fill="#6d7278")
    draw.rectangle((0, 556, 1080, 572), fill="#8d9297")
    image = image.filter(ImageFilter.GaussianBlur(2.2))
    _bicycle(ImageDraw.Draw(image), chance.randrange(180, 560), 600, chance.choice((CORAL, SUN, GREEN, BLUE)))
    return image


def _bicycle(draw: ImageDraw.ImageDraw, x: int, y: int, colour: str) -> None:
    radius = 78
    for hub in (x, x + 240):
        draw.ellipse((hub - radius, y - radius, hub + radius, y + radius), outline="#23272b", width=9)
        for spoke in range(8):
            dx, dy = radius * math.cos(spoke * math.pi / 4), radius * math.sin(spoke * math.pi / 4)
            draw.line((hub, y, hub + dx, y + dy), fill="#9aa1a7", width=2)
    crank, seat, head = (x + 105, y + 8), (x + 70, y - 120), (x + 205, y - 118)
    for line in (((x, y), crank), (crank, seat), (seat, head), (crank, head), ((x, y), seat), (head, (x + 240, y))):
        draw.line(line, fill=colour, width=12)
    draw.line((head, (x + 196, y - 160), (x + 168, y - 168)), fill="#23272b", width=9)
    draw.rounded_rectangle((x + 40, y - 134, x + 100, y - 120), 7, fill="#23272b")
    draw.rectangle((x + 206, y - 150, x + 270, y - 100), outline="#23272b", width=6)


KINDS: dict[str, Callable[[random.Random, str], Image.Image]] = {
    "chart": _chart,
    "screen": _screen,
    "sketch": _sketch,
    "map": _map,
    "photo": _photo,
}
"""How each kind of picture is drawn, from a source of chance and its title."""
