"""Links between pages lead somewhere, and pictures are small."""

from pathlib import Path

import pytest
from docs_pages import ROOT, anchors, links, pages

MOST_PICTURE_BYTES = 200_000


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}: no such file"
        assert target.is_relative_to(ROOT), f"{page.name}: {link}: outside the repository"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}: no such heading"


@pytest.mark.parametrize(
    "page", [page for page in pages() if page.parent.name == "docs"], ids=lambda p: p.stem
)
def test_every_page_is_reached_from_the_readme(page: Path) -> None:
    readme = ROOT / "README.md"
    assert page.resolve() in {(readme.parent / link).resolve() for link in links(readme)}


def test_pictures_are_small() -> None:
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < MOST_PICTURE_BYTES, picture.name
