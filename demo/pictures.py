"""Pictures that people send: charts, screens, sketches, maps, photographs. A name always gives the same picture."""

from __future__ import annotations

import random
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from demo.photos import BLUE, CORAL, GREEN, SUN, take_photo

INK, PAPER, GRID = "#22303c", "#fbfaf7", "#dfe3e6"
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


def _drawing(chance: random.Random, title: str) -> Image.Image:
    """Three docks with their measures."""
    image = Image.new("RGB", (960, 600), "#f4f7fb")
    draw = ImageDraw.Draw(image)
    for step in range(0, 960, 24):
        draw.line((step, 0, step, 600), fill="#e4eaf2")
        draw.line((0, step, 960, step), fill="#e4eaf2")
    draw.line((60, 500, 900, 500), fill=INK, width=4)
    for number, x in enumerate((180, 450, 720)):
        height = 300 + chance.randrange(-30, 30)
        draw.rounded_rectangle((x - 46, 500 - height, x + 46, 500), 16, fill="white", outline=INK, width=4)
        draw.rounded_rectangle((x - 26, 530 - height, x + 26, 590 - height), 8, outline=BLUE, width=3)
        draw.ellipse((x - 12, 430, x + 12, 454), outline=BLUE, width=3)
        draw.line((x + 86, 500 - height, x + 86, 500), fill=CORAL, width=2)
        for y in (500 - height, 500):
            draw.line((x + 76, y, x + 96, y), fill=CORAL, width=2)
        draw.text((x + 98, 500 - height // 2), f"{height * 4} mm", CORAL, _font(19), anchor="lm")
        draw.text((x, 524), f"{number + 1}", INK, _font(24), anchor="mt")
    draw.text((40, 32), title, fill="#5a6b7c", font=_font(26))
    return image


def _sign(chance: random.Random, _title: str) -> Image.Image:
    """A sign for a dock, with an arrow to the next one."""
    image = Image.new("RGB", (960, 420), "#dfe6ee")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((60, 60, 900, 360), 36, fill=INK)
    draw.rounded_rectangle((76, 76, 884, 344), 26, outline=SUN, width=6)
    draw.text((120, 130), "This dock is full", SUN, _font(56))
    draw.text((120, 226), f"Next one: {chance.randrange(12, 40) * 10} m", "white", _font(56))
    draw.polygon([(740, 150), (840, 210), (740, 270), (740, 230), (670, 230), (670, 190), (740, 190)], fill=SUN)
    return image


KINDS: dict[str, Callable[[random.Random, str], Image.Image]] = {
    "chart": _chart,
    "drawing": _drawing,
    "map": _map,
    "photo": take_photo,
    "screen": _screen,
    "sign": _sign,
    "sketch": _sketch,
}
"""How each kind of picture is drawn, from a source of chance and its title."""
