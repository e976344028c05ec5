"""A browser, stores of built series, and the three places from which the viewer's data come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browsing import ARGUMENTS, MOST_SECONDS, PROGRAM
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from recordings import Builder
from static_servers import PARENTS, VIEWER, StaticServer
from viewer_places import CHANNEL, HIDDEN, SOURCES, Guard, Places, Surroundings, start_backend

from seriesview.figures.node_access import permit_links
from seriesview.store import Store, open_store

WIDTH, HEIGHT = 720, 640
expect.set_options(timeout=1000 * MOST_SECONDS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one file of tests: while playwright is there, nothing else in the process can run asyncio."""
    assert PROGRAM, "chromium is missing: tests/install-programs installs it"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def guard() -> Iterator[Guard]:
    watching = Guard()
    yield watching
    watching.check()


@pytest.fixture
def new_context(browser: Browser, guard: Guard) -> Iterator[Callable[..., BrowserContext]]:
    """Makes contexts: browsers with nothing in their memory."""
    with ExitStack() as stack:

        def make(**options: Any) -> BrowserContext:
            size = {"width": WIDTH, "height": HEIGHT}
            context = browser.new_context(**({"viewport": size, "accept_downloads": True} | options))
            stack.callback(context.close)
            context.set_default_timeout(1000 * MOST_SECONDS)
            guard.watch(context)
            return context

        yield make


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    return new_context().new_page()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser") / "storage"


@pytest.fixture(scope="session")
def store(storage: Path) -> Store:
    return open_store(storage, "embedded")


@pytest.fixture(scope="session")
def builder(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(store, tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="session")
def surroundings(tmp_path_factory: pytest.TempPathFactory, storage: Path) -> Iterator[Surroundings]:
    own = Surroundings(tmp_path_factory.mktemp("serving"))
    own.storage = storage
    yield own
    own.end()


@pytest.fixture(scope="session")
def node(surroundings: Surroundings) -> str:
    """Address of a node whose channel has a backend."""
    permit_links(surroundings.storage, CHANNEL, print)
    surroundings.node()
    start_backend(surroundings)
    return f"http://127.0.0.1:{surroundings.port}"


@pytest.fixture(scope="session")
def static_server(storage: Path) -> Iterator[StaticServer]:
    """Plain files with byte ranges: exported folders, and /parents/, which play figurl."""
    server = StaticServer(storage, {"/parents/": PARENTS})
    yield server
    server.close()


@pytest.fixture(scope="session")
def viewer_host(storage: Path) -> Iterator[StaticServer]:
    """The viewer alone, at another origin than the parents that show it."""
    server = StaticServer(storage / "nothing", {"/viewer/": VIEWER}, host="localhost")
    yield server
    server.close()


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def places(
    node: str,
    static_server: StaticServer,
    viewer_host: StaticServer,
    storage: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Places:
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    return Places(node, static_server, viewer_host, storage)
