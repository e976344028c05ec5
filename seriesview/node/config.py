"""What a node is told when it starts."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from starlette.routing import BaseRoute

from seriesview.node.quotas import CallerLimits
from seriesview.node.reach import Reach
from seriesview.node.task_records import BrokerLimits

ViewFiles = Path | Mapping[str, bytes]
"""Web pages of a view: a folder, or contents by their path in it."""


class Front(Protocol):
    """What the front page shows; used in threads."""

    view: str
    """The name of the view that is the page itself, which holds nothing."""
    key: str
    """Tells it from others, to whoever asks."""
    channel: str
    """Who may read files of this channel may read what the page shows."""

    def read(self, path: str) -> tuple[bytes, str] | None:
        """Return a file of it and its content type; None where there is none."""


class Windows(Protocol):
    """Stretches of series that this process reads itself: the page asks the node, and no backend by a task."""

    def serves(self, channel: str, backend_id: str | None) -> bool:
        """Return whether it answers requests on a channel that carry this backend ID, or none."""

    def start(
        self, kwargs: Mapping[str, Any], is_given_up: Callable[[], bool]
    ) -> Future[tuple[bytes | memoryview, ...]]:
        """Begin to make an answer, which comes in pieces; it may end early once nobody waits for it."""


@dataclass(frozen=True)
class Limits:
    """What a request may cost."""

    json_bytes: int = 100_000
    """Size of a JSON body: the daemon's own limit."""
    head_bytes: int = 32_768
    """Size of a request's line and headers."""
    file_bytes: int = 2**40
    """Size of a file that is stored or uploaded."""
    kept_result_bytes: int = 10_000_000_000
    """Results of tasks in all buckets; the oldest are removed. At most a tenth of the disk."""
    free_bytes: int = 200_000_000
    """What must stay free on the disk."""
    stall_seconds: float = 30.0
    """How long a client may send, or take, nothing in the middle of a request or an answer."""
    head_seconds: float = 20.0
    """How long a client may take to send a request's line and headers, or a JSON body."""
    idle_seconds: float = 60.0
    """How long a connection may stay open with no request."""
    signed_url_seconds: float = 900.0
    """How long an upload URL is good for."""


@dataclass(frozen=True)
class NodeConfig:
    """Where a node keeps its things, where it listens, and whom it serves."""

    storage_dir: Path
    host: str = "localhost"
    """Where to listen; localhost: this machine alone, by IPv4 and IPv6."""
    port: int = 20431
    """0: any free port."""
    channels: tuple[str, ...] = ()
    """Channels to create, with the usual permissions, where they do not exist."""
    allow_hosts: tuple[str, ...] = ()
    """Further names that clients may use for this machine."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of proxies whose X-Forwarded-Proto, -Host and -For are believed."""
    link_roots: tuple[Path, ...] = ()
    """Folders whose files may be linked and stored by path; none: what the storage directory's users can read."""
    token_file: Path | None = None
    """None: `seriesview-tokens` in the storage directory, and the environment."""
    auth_group: str | None = None
    """Group that may read the client-auth code."""
    views: Mapping[str, ViewFiles] = field(default_factory=dict)
    """Views that the node shows itself, by name, at /view/NAME/."""
    view_origins: tuple[str, ...] = ()
    """Origins whose views the node's page may show."""
    is_for_figures: bool = False
    """Whether it shows some figures and ends with the command that does: nobody's place to store other things."""
    reach: Reach | None = None
    """What browsers and holders of tokens may read; None: whatever their channels permit."""
    front: Front | None = None
    """What the front page shows, if there is one."""
    windows: Windows | None = None
    """What answers POST /window, if anything does."""
    routes: tuple[BaseRoute, ...] = ()
    """Further ones, of whoever starts the node; who asks is checked before they are."""
    limits: Limits = field(default_factory=Limits)
    task_limits: BrokerLimits = field(default_factory=BrokerLimits)
    caller_limits: CallerLimits = field(default_factory=CallerLimits)
