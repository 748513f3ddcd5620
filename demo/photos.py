"""Photographs of a street in some weather, of the harbour, of a billboard, and of kittens, as the words of their title say."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw, ImageFilter

BLUE, CORAL, GREEN, SUN = "#2f6fde", "#f0674f", "#2a9d78", "#f2b134"
SKIES = (("#fbd3a2", "#f28f79"), ("#a8d8f0", "#e9f5fb"), ("#5b6cae", "#f3a683"), ("#c6d6df", "#eef2f3"))
WIDTH, HEIGHT, GROUND = 1080, 720, 560


def take_photo(chance: random.Random, title: str) -> Image.Image:
    """A picture of what *title* says."""
    if "shelf" in title:
        return _kittens(chance)
    image = _street(chance, SKIES[3] if "rain" in title else chance.choice(SKIES[:3]))
    draw = ImageDraw.Draw(image)
    if "harbour" in title:
        _water(draw, chance)
    elif "billboard" in title:
        _billboard(draw)
    if "harbour" not in title:
        _bicycle(draw, chance.randrange(180, 560), 600, chance.choice((CORAL, SUN, GREEN, BLUE)))
    if "rain" in title:
        for _ in range(420):
            x, y = chance.randrange(-20, WIDTH), chance.randrange(HEIGHT)
            draw.line((x, y, x + 9, y + 34), fill="#e8eef2", width=2)
    return image


def _street(chance: random.Random, sky: tuple[str, str]) -> Image.Image:
    size = (WIDTH, HEIGHT)
    ramp = Image.linear_gradient("L").resize(size)
    image = Image.composite(Image.new("RGB", size, sky[1]), Image.new("RGB", size, sky[0]), ramp)
    draw = ImageDraw.Draw(image)
    sun = chance.randrange(150, 900)
    draw.ellipse((sun, 90, sun + 120, 210), fill="#fff6df")
    for depth, base in enumerate((430, 480)):
        x = -40
        while x < WIDTH:
            width, height = chance.randrange(70, 150), chance.randrange(90, 260)
            tint = 150 - depth * 55 + chance.randrange(-12, 12)
            draw.rectangle((x, base - height, x + width, GROUND), fill=(tint, tint - 8, tint + 6))
            x += width + chance.randrange(0, 14)
    draw.rectangle((0, GROUND, WIDTH, HEIGHT), fill="#6d7278")
    draw.rectangle((0, GROUND - 4, WIDTH, GROUND + 12), fill="#8d9297")
    return image.filter(ImageFilter.GaussianBlur(2.2))


def _water(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """Water up to the houses, and a handlebar that looks out of it."""
    draw.rectangle((0, 500, WIDTH, HEIGHT), fill="#3d6f8c")
    for _ in range(60):
        x, y = chance.randrange(WIDTH), chance.randrange(510, HEIGHT)
        draw.line((x, y, x + chance.randrange(30, 120), y), fill="#6fa0b8", width=3)
    draw.line((520, 640, 560, 560, 600, 556), fill="#23272b", width=10, joint="curve")
    draw.line((560, 560, 528, 548), fill="#23272b", width=10)
    draw.arc((470, 600, 640, 700), 180, 360, fill=CORAL, width=12)


def _billboard(draw: ImageDraw.ImageDraw) -> None:
    """A wall with a single bell."""
    draw.rectangle((600, 140, 980, 480), fill="#1f5f8b", outline="#e9edf0", width=10)
    for x in (680, 890):
        draw.rectangle((x, 480, x + 16, GROUND), fill="#4a4f54")
    draw.pieslice((690, 210, 890, 410), 180, 360, fill=SUN)
    draw.rounded_rectangle((670, 306, 910, 336), 14, fill="#d9962a")
    draw.ellipse((772, 330, 808, 366), fill="#d9962a")


def _kittens(chance: random.Random) -> Image.Image:
    """Four of them, in a box."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "#6b5646")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 90, WIDTH, 130), fill="#8b7360")
    draw.rounded_rectangle((110, 330, 970, 690), 24, fill="#c79d6b")
    for x, colour in zip((250, 450, 640, 830), ("#3b3b40", "#d98e4a", "#b9b4ad", "#f1e3cf"), strict=True):
        y = 380 + chance.randrange(-20, 20)
        for side in (-1, 1):
            draw.polygon([(x + side * 78, y - 30), (x + side * 70, y - 112), (x + side * 18, y - 70)], fill=colour)
        draw.ellipse((x - 88, y - 80, x + 88, y + 80), fill=colour)
        for side in (-1, 1):
            draw.ellipse((x + side * 36 - 15, y - 22, x + side * 36 + 15, y + 8), fill="#f4f7d6")
            draw.ellipse((x + side * 36 - 6, y - 18, x + side * 36 + 6, y + 6), fill="#1d1d1f")
        draw.polygon([(x - 10, y + 20), (x + 10, y + 20), (x, y + 32)], fill="#e39aa0")
    draw.rounded_rectangle((110, 450, 970, 690), 24, fill="#d9b07c")
    draw.rectangle((110, 450, 970, 476), fill="#c79d6b")
    return image.filter(ImageFilter.GaussianBlur(1.2))


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
