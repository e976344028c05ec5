"""docs/elsewhere.md from its first to its last step: the app behind nginx, a backend, a bucket, a reader's link."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bucket_servers import Service, clean, google_server
from docs_pages import Block, blocks
from google_gate import Gate
from nginx_front import NAME, NGINX, Front
from playwright.sync_api import BrowserContext, Page, expect
from recordings import Builder, noise
from viewer_places import HIDDEN, Process, Surroundings, show
from waiting import MOST_SECONDS

from seriesview.store import open_store, parse_uri

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: tests/install-programs")
PAGE = ROOT / "docs" / "elsewhere.md"
BUCKET_IN_PAGE = "https://storage.googleapis.com/our-lab"


@dataclass
class People:
    """Whoever runs the app, whoever runs the backend, and what stands in the page for things that differ here."""

    app: Surroundings
    own: Surroundings
    front: Front
    bucket: Service
    gate: Gate
    workspace: str
    said: dict[str, str]

    def block(self, begins: str) -> Block:
        return next(block for block in blocks(PAGE) if block.text.strip().startswith(begins))

    def told(self, text: str) -> str:
        """A piece of the page, with the places of this test."""
        for words, here in self.said.items():
            text = text.replace(words, here)
        return text

    def run(self, where: Surroundings, line: str, **environment: str) -> str:
        done = subprocess.run(
            ["bash", "-c", self.told(line)],
            env=where.environment(**environment),
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def link(self, token: str) -> str:
        """What users open."""
        lines = (line.strip() for line in PAGE.read_text().splitlines())
        found = next(line for line in lines if line.startswith(f"https://{NAME}/f?"))
        return self.told(found.replace("TOKEN", token))

    def start_backend(self) -> Process:
        """The script of three exports and one command."""
        lines = self.block("export LABEL").text.strip().splitlines()
        variables = dict(line.removeprefix("export ").split("=", 1) for line in lines[:-1])
        home = str(self.own.directory)
        variables = {name: self.told(value).replace("$HOME", home) for name, value in variables.items()}
        process = self.own.start(
            *("bash", "-c", f"exec {self.told(lines[-1])}"),
            **variables,
            STORAGE_EMULATOR_HOST=f"http://127.0.0.1:{self.gate.at}",
            SSL_CERT_FILE=str(self.front.certificate),
        )
        process.wait_for(f"backend {process.pid} answers")
        return process


@pytest.fixture(scope="module")
def google_port() -> Iterator[int]:
    with google_server() as port:
        yield port


@pytest.fixture
def people(google_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[People]:
    clean(monkeypatch)
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    for name in ("app", "own", "nginx"):
        (tmp_path / name).mkdir()
    app, own = Surroundings(tmp_path / "app"), Surroundings(tmp_path / "own")
    builder = Builder(open_store(own.storage, "embedded"), tmp_path / "own")
    samples = noise(np.random.default_rng(8), 20_000, 3, "int16")
    recording = builder.regular("probe", [samples], unit="uV", full_resolution="link")
    workspace = builder.workspace("Rat 7", [("ContinuousTraces", "probe", recording.uri)])
    bucket = Service("gs", google_port)
    bucket.create()
    unit = next(block.text for block in blocks(PAGE) if "ExecStart" in block.text)
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).partition("=")[2]
    command = command.replace("/opt/seriesview/bin/", "").replace("/var/lib/seriesview/app", str(app.storage))
    front = Front(app.port, tmp_path / "nginx")
    try:
        with Gate(google_port) as gate:
            app.start(*shlex.split(command)).wait_for("is ready at")
            key = own.directory / ".config" / "seriesview" / "bucket-key.json"
            key.parent.mkdir(parents=True)
            gate.write_key(key)
            said = {
                BUCKET_IN_PAGE: f"http://127.0.0.1:{gate.at}/{bucket.bucket}",
                "our-lab": bucket.bucket,
                f"https://{NAME}": f"https://localhost:{front.port}",
                "SHA1": parse_uri(workspace)[0],
                "~/.config": str(own.directory / ".config"),
            }
            yield People(app, own, front, bucket, gate, workspace, said)
    finally:
        front.end()
        own.end()
        app.end()


@pytest.fixture
def reader(new_context: Callable[..., BrowserContext]) -> Page:
    """A browser that trusts the certificate."""
    return new_context(ignore_https_errors=True).new_page()


def test_every_step_of_the_page_works_and_ends_in_a_picture(reader: Page, people: People) -> None:
    commands = people.block("seriesview channel create lab").text.strip().splitlines()
    assert [line.split()[:3] for line in commands] == [
        ["seriesview", "channel", "create"],
        ["seriesview", "token", "create"],
        ["seriesview", "token", "create"],
    ]
    _, provider, token = (people.run(people.app, line).strip().splitlines()[-1] for line in commands)
    file = people.own.directory / ".config" / "seriesview" / "app-token"
    file.touch(0o600)
    file.write_text(provider)
    backend = people.start_backend()
    uri = f"gs://{people.bucket.bucket}/seriesview-backends/rig-1.json"
    assert backend.written.startswith(f"Backend URI: {uri}\n")
    link = people.link(token)
    # The bucket has no rule yet, and the page says that alone.
    reader.goto(link)
    message = reader.locator("#message")
    origin = f"https://localhost:{people.front.port}"
    expect(message).to_have_text(
        "The figure's data cannot be read: The results are in the bucket of the kachery channel, whose CORS rules "
        "do not let this page read them. Whoever runs the backend sees how to change that with: "
        f"seriesview bucket check --origin {origin}"
    )
    expect(reader.locator("#channel-dialog")).to_be_hidden()
    expect(reader.locator("#note")).to_have_text("")
    # The rule of Google's own documentation is enough.
    cors = people.bucket.google_client.bucket(people.bucket.bucket)
    cors.cors = [{"origin": [origin], "method": ["GET"], "responseHeader": ["Content-Type"]}]
    cors.patch()
    checked = people.run(
        people.own,
        f"seriesview bucket check --origin {origin}",
        STORAGE_EMULATOR_HOST=f"http://127.0.0.1:{people.gate.at}",
        GOOGLE_BUCKET_NAME=people.bucket.bucket,
        GOOGLE_APPLICATION_CREDENTIALS=str(file.with_name("bucket-key.json")),
    )
    assert "not ok" not in checked
    viewer = show(reader, reader.url)
    assert viewer.panel("0").pixels.any()
    viewer.set_state(samplesPerColumn=1, columnsPerSample=2, leftColumn=5000)
    assert viewer.panel("0").painted["error"] is None
    assert reader.title() == "Rat 7"
    assert token not in reader.url
    assert people.bucket.names("lab/task_results/")


def test_a_wrong_backend_id_is_told(reader: Page, people: People) -> None:
    commands = people.block("seriesview channel create lab").text.strip().splitlines()
    _, provider, token = (people.run(people.app, line).strip().splitlines()[-1] for line in commands)
    people.run(people.app, "seriesview channel set lab --no-bucket-url")
    backend = people.own.start(
        *("seriesview-start-backend", "--channel", "lab", "--app-url", people.said[f"https://{NAME}"]),
        SERIESVIEW_APP_TOKEN=provider,
        SERIESVIEW_BACKEND_ID="right-one",
        SSL_CERT_FILE=str(people.front.certificate),
    )
    backend.wait_for(f"backend {backend.pid} answers")
    reader.goto(people.link(token))
    problem = reader.locator("#channel-problem")
    for backend_id, said in (
        (None, "wants a backend ID"),
        ("wrong-one", "has the backend ID that is set here"),
    ):
        if backend_id is not None:
            reader.fill("#backend-id", backend_id)
            reader.click("#channel-form button[value=use]")
            reader.wait_for_load_state("load")
        expect(problem).to_contain_text(said)
    reader.fill("#backend-id", "right-one")
    reader.click("#channel-form button[value=use]")
    viewer = show(reader, reader.url)
    assert viewer.panel("0").pixels.any()
    expect(reader.locator("#channel-dialog")).to_be_hidden()
