"""A published workspace in a real browser, from the bucket's own address."""

from browsing import ARGUMENTS, PROGRAM
from playwright.sync_api import sync_playwright
from shared_workspaces import make_workspace

from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.open_bucket import open_bucket
from seriesview.share.choice import Wish
from seriesview.share.export import plan_export
from seriesview.share.publishing import publish_plan

STARTED = """async () => {
  for (let tries = 0; tries < 400 && !globalThis.seriesview; tries += 1) {
    await new Promise((later) => setTimeout(later, 50));
  }
  await seriesview.settled();
  return document.body.innerText;
}"""


def test_the_link_shows_the_workspace(service, store, uris):
    bucket = open_bucket(parse_address(service.address("shown/here")))
    uri = make_workspace(store, uris, "probe", "spikes", "stages")
    link = publish_plan(plan_export(store, uri, Wish()), store, bucket).link
    bucket.close()
    errors, failed, asked = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 720, "height": 640})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(link)
        text = page.evaluate(STARTED)
        browser.close()
    assert (errors, failed) == ([], [])
    assert "probe" in text
    assert "spikes" in text
    place = service.url("shown/here/")
    assert [url for url in asked if not url.startswith((place, "blob:", "data:"))] == []
    assert any("/sha1/" in url for url in asked)
