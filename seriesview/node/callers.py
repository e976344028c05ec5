"""Who asks: a kachery client with the client-auth code, or the holder of a token."""

from dataclasses import dataclass

LINKS = "links"
"""The name, in a channel's permissions, of browsers that came by a printed link."""
CLIENTS = "clients"
"""The name, in a channel's permissions, of all kachery clients: whoever can read the client-auth code."""


@dataclass(frozen=True)
class Caller:
    """Whoever made a request, after its credentials were checked; `request.state.caller` in handlers."""

    name: str
    """CLIENTS, or the name of a token."""
    origin: str | None = None
    """The origin of the web page that asks, where that is not the node's own; None otherwise."""
    local: bool = True
    """Whether the request came over the loopback interface."""
    token: bytes = b""
    """Hash of the token that was shown, or that opened the session; empty where there is none."""
    account: str = ""
    """Whose limits count: a token's holder or a session of a link; empty for kachery clients, who have none."""
    sees_front: bool = True
    """Whether the front page is for them: not for who came by a link to one figure."""

    @property
    def is_client(self) -> bool:
        """Whether this is a kachery client, which can read the storage directory itself."""
        return self.name == CLIENTS
