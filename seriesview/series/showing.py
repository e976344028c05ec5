"""How what is stored becomes a figure: series, workspaces and views ask here, and do not know who makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from seriesview.store import Store


class Figure(Protocol):
    """What a link shows, as `seriesview.Figure` describes it."""

    @property
    def data(self) -> Any:
        """The figure's data, as JSON."""

    @property
    def label(self) -> str:
        """What the figure is called where a link says nothing else."""

    @property
    def view_url(self) -> str:
        """The address of the view; a path is one of the node's own."""

    @property
    def storage_dir(self) -> Path:
        """The storage directory that holds the data, and what they name."""

    def to_uri(self) -> str:
        """Store the data, where they are not stored yet, and give their URI."""

    def url(
        self,
        *,
        label: str | None = None,
        channel: str | None = None,
        base_url: str | None = None,
        view_url: str | None = None,
    ) -> str:
        """Store the data and return a link to the figure."""

    def path_on(self, server: Any) -> str:
        """Path, query and fragment of a new link to it on a server of figures of its storage directory."""

    def _repr_html_(self) -> str: ...


_makers: list[Callable[..., Figure]] = []


def make_figures_with(maker: Callable[..., Figure]) -> None:
    """Let `maker` make all figures, from `data`, `store`, `label` and `uri`."""
    _makers[:] = [maker]


def figure(data: Any, store: Store, label: str, uri: str | None = None) -> Figure:
    """A figure of JSON data; `uri` names them where they are stored already."""
    return _makers[0](data=data, store=store, label=label, uri=uri)
