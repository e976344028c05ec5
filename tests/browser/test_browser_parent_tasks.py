"""Tasks through the node's page, and its dialog where no backend answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cutting_proxy import CuttingProxy
from page_views import CHANNEL, HandBackend, Scene, open_dialog
from playwright.sync_api import Frame, Page, expect

END = "taskId => heard.find(one => one.taskId === taskId && ['finished', 'error'].includes(one.status))"
BACKEND_ID = "a backend's ID"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("page"))
    yield made
    made.close()


def fail(text: str) -> None:
    raise ValueError(text)


FUNCTIONS = {
    "f.add": lambda a, b: {"sum": a + b},
    "f.array": lambda: {"_type": "ndarray", "shape": [2], "dtype": "int16", "data_b64": "AQACAA=="},
    "f.false": lambda: False,
    "f.fail": fail,
}


def end_of(
    frame: Frame, function_id: str, kwargs: object, kind: str = "pure-calculation"
) -> dict[str, object]:
    """The last that the view hears of a task."""
    first = frame.evaluate("([f, k, t]) => task(f, k, t)", [function_id, kwargs, kind])
    if first["taskStatus"] in ("finished", "error"):
        return {**first, "status": first["taskStatus"]}
    return dict(frame.wait_for_function(END, arg=first["taskId"]).json_value())


def test_a_connection_that_goes_silent_is_given_up(page: Page, scene: Scene) -> None:
    """The node neither answers nor closes, as where a firewall forgets a connection."""
    proxy = CuttingProxy(scene.node.port)
    page.clock.install()
    frame = scene.show(page, scene.link({"a": 1}).replace(f":{scene.node.port}/", f":{proxy.port}/"))
    first = frame.evaluate("() => task('f.add', {a: 20, b: 22}, 'pure-calculation')")
    assert first["taskStatus"] == "waiting"
    # The page waits for what comes of it.
    page.wait_for_timeout(300)
    proxy.silence()
    with HandBackend(scene, FUNCTIONS):
        # Nothing comes, however long it is waited for.
        page.wait_for_timeout(1000)
        assert not frame.evaluate("() => heard.some(one => one.status === 'finished')")
        page.clock.fast_forward(40_000)
        # The browser has further connections, a handful, which are silent too: each costs one request.
        ask = "() => { task('f.add', {a: 20, b: 22}).then((answer) => { globalThis.last = answer; }); }"
        for _ in range(8):
            frame.evaluate(ask)
            # The clock of the page stands for minutes, what is sent takes real time.
            page.wait_for_timeout(300)
            page.clock.fast_forward(16_000)
        frame.wait_for_function("() => globalThis.last?.returnValue?.sum === 42")
        assert frame.wait_for_function(END, arg=first["taskId"]).json_value()["status"] in (
            "finished",
            "error",
        )
    proxy.close()


def test_tasks_are_run_by_a_backend(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link({"a": 1}))
    with HandBackend(scene, FUNCTIONS) as backend:
        assert end_of(frame, "f.add", {"a": 1, "b": 2})["returnValue"] == {"sum": 3}
        assert end_of(frame, "f.array", {})["returnValue"]["dtype"] == "int16"
        assert end_of(frame, "f.false", {})["returnValue"] is False
        failed = end_of(frame, "f.fail", {"text": "<b>why</b>"})
        assert (failed["status"], failed["errorMessage"]) == ("error", "<b>why</b>")
        many = frame.evaluate("() => Promise.all([...Array(40).keys()].map(a => task('f.add', {a, b: 1})))")
        for number, first in enumerate(many):
            if first["taskStatus"] != "finished":
                first = frame.wait_for_function(END, arg=first["taskId"]).json_value()
            assert first["returnValue"] == {"sum": number + 1}
        count = len(backend.asked)
        # What was calculated once is not calculated again.
        assert end_of(frame, "f.add", {"b": 2, "a": 1})["returnValue"] == {"sum": 3}
        assert len(backend.asked) == count
    assert frame.evaluate("unknown") == []
    expect(page.locator("dialog")).to_be_hidden()


def test_a_view_of_another_origin_gets_results_as_lists(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link({"a": 1}, view=f"{scene.views.address}/strict"))
    with HandBackend(scene, FUNCTIONS):
        assert end_of(frame, "f.array", {})["returnValue"] == [1, 2]


def test_queries_are_asked_each_time_unless_the_view_takes_an_older_result(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link({"a": 1}))
    numbers = iter(range(10))
    with HandBackend(scene, {"f.count": lambda: [next(numbers)]}, kind="query"):
        assert end_of(frame, "f.count", {}, "query")["returnValue"] == [0]
        assert end_of(frame, "f.count", {}, "query")["returnValue"] == [1]
    cached = frame.evaluate("task('f.count', {}, 'query', {queryUseCache: true})")
    assert (cached["taskStatus"], cached["returnValue"]) == ("finished", [1])
    late = frame.evaluate("task('f.count', {}, 'query', {queryFallbackToCache: true})")
    assert late["taskStatus"] == "waiting"
    assert frame.wait_for_function(END, arg=late["taskId"]).json_value()["returnValue"] == [1]


def test_where_nobody_answers_a_dialog_says_what_may_be_wrong_until_somebody_does(
    page: Page, scene: Scene
) -> None:
    frame = scene.show(page, scene.link({"a": 1}))
    first = frame.evaluate("task('g.late', {})")
    assert first["taskStatus"] == "waiting"
    dialog = page.locator("dialog")
    expect(dialog).to_be_visible()
    expect(page.locator("#channel-problem")).to_contain_text("Perhaps none is running")
    expect(page.locator("#channel-problem")).to_contain_text(f"kachery channel {CHANNEL}")
    expect(page.locator("#channel-problem")).to_contain_text("backend ID")
    with HandBackend(scene, {"g.late": lambda: "here"}):
        assert frame.wait_for_function(END, arg=first["taskId"]).json_value()["returnValue"] == "here"
        expect(dialog).to_be_hidden()
        expect(page.locator("#note")).to_have_text("")
    # It opens by itself once; later the bar says so.
    end = end_of(frame, "g.never", {})
    assert "provides g.never" in str(end["errorMessage"])
    expect(page.locator("#note")).to_contain_text("No backend has answered")
    expect(dialog).to_be_hidden()


def test_where_files_are_shown_the_bar_alone_says_that_nobody_answers(page: Page, scene: Scene) -> None:
    sha1 = scene.store({"some": "artifact"})
    frame = scene.show(page, scene.link({"a": 1}))
    frame.evaluate(f"ask({{type: 'getFileData', uri: 'sha1://{sha1}/file.json'}})")
    frame.evaluate("task('g.nobody', {})")
    expect(page.locator("#note")).to_contain_text("No backend has answered on kachery channel")
    expect(page.locator("#note")).to_contain_text("shown meanwhile")
    expect(page.locator("dialog")).to_be_hidden()
    open_dialog(page)
    expect(page.locator("#channel-problem")).to_contain_text("Perhaps none is running")


def test_the_backend_id_is_kept_in_the_browser(page: Page, scene: Scene) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + str(request.headers)))
    frame = scene.show(page, scene.link({"a": 1}))
    with HandBackend(scene, {"h.secret": lambda: 1}, BACKEND_ID) as backend:
        frame.evaluate("task('h.secret', {})")
        expect(page.locator("#channel-problem")).to_contain_text("wants a backend ID")
        page.get_by_label("Backend", exact=True).fill("mine")
        page.get_by_label("Backend ID").fill("a wrong ID")
        page.get_by_role("button", name="Use").click()
        frame = _shown(page)
        frame.evaluate("task('h.secret', {})")
        expect(page.locator("#channel-problem")).to_contain_text("has the backend ID that is set")
        assert backend.asked == []
        page.get_by_label("Backend ID").fill(BACKEND_ID)
        page.get_by_role("button", name="Use").click()
        frame = _shown(page)
        assert end_of(frame, "h.secret", {})["returnValue"] == 1
    for text in (BACKEND_ID, "a wrong ID", "mine"):
        assert text not in page.url.replace("+", " ").replace("%20", " ")
        assert not [one for one in asked if text in one.replace("+", " ").replace("%20", " ")]
    # Another visit, the button, and a label that fills in its ID.
    frame = scene.show(page, page.url)
    # Nobody's electrodes are meant: the word stands in a menu.
    expect(page.get_by_text(CHANNEL)).to_be_hidden()
    open_dialog(page)
    assert page.get_by_label("Backend ID").input_value() == BACKEND_ID
    assert page.get_by_label("Backend ID").get_attribute("type") == "password"
    page.get_by_label("Backend ID").press("Escape")
    expect(page.locator("dialog")).to_be_hidden()


def _shown(page: Page) -> Frame:
    page.wait_for_load_state()
    frame = page.wait_for_selector("iframe", state="attached").content_frame()
    assert frame is not None
    frame.wait_for_function("() => globalThis.isReady")
    return frame
