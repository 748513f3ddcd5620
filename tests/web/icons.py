"""The pictures of the web app manifest, drawn from `static/logo.svg` by Chromium: `python -m tests.web.icons` writes them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.packages import chromium_binary

STATIC = Path(__file__).resolve().parents[2] / "backend" / "web" / "static"
ICONS = STATIC / "app" / "icons"

SIZES = {"icon-192.png": (192, 0.04, None), "icon-512.png": (512, 0.04, None), "maskable-512.png": (512, 0.2, "#eef1fd"),
         "touch-180.png": (180, 0.14, "#eef1fd")}  # fmt: skip
"""The width, the margin as a part of it, and the ground. Systems cut the edges of a maskable icon, up to a fifth of the width."""

STYLE = "body {{ margin: 0; background: {ground}; padding: {margin}px; display: grid }} svg {{ width: {width}px }}"


def main() -> None:
    ICONS.mkdir(parents=True, exist_ok=True)
    logo = (STATIC / "logo.svg").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium_binary()))
        for name, (size, part, ground) in SIZES.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            margin = round(size * part)
            style = STYLE.format(ground=ground or "transparent", margin=margin, width=size - 2 * margin)
            page.set_content(f"<style>{style}</style>{logo}")
            page.screenshot(path=ICONS / name, omit_background=ground is None)
        browser.close()


if __name__ == "__main__":
    main()
