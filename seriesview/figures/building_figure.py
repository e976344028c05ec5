"""A figure of what is being built: it shows what there is of it, and when that is done it is like any other."""

from __future__ import annotations

from typing import Any

from seriesview.errors import BuildError
from seriesview.figures.building import Building
from seriesview.figures.figure import Figure

_MOMENT_SECONDS = 0.3


class BuildingFigure(Figure):
    """The figure of a workspace that a thread of this process builds.

    Its page in a notebook is there at once, and becomes that of the workspace. Whatever else asks for its data waits
    for the build, and raises what that raised.
    """

    def __init__(self, building: Building) -> None:
        super().__init__(data=None, store=building.meant.build.store, label=building.meant.label)
        self.building = building

    @property
    def is_built(self) -> bool:
        """Whether all is there that it shows."""
        return self.building.shown is not None

    def wait(self) -> None:
        """Return when all is built that it shows. Raises what the build raised, BuildError where it was stopped."""
        self._built_uri()

    @property
    def data(self) -> Any:
        """The figure's data, as JSON, when it is built."""
        return self._store.get_json(self._built_uri())

    def to_uri(self) -> str:
        """The URI of its data, when it is built."""
        return self._built_uri()

    def path_on(self, server: Any) -> str:
        """The same, to what there is of it while it is built. Raises BuildError where the server cannot show that."""
        building = self.building
        # What was built before is there in no time.
        if building.wait(_MOMENT_SECONDS) and (building.shown or building.is_in_vain):
            return super().path_on(server)
        building.show_on(server)
        if not server.has_own_node:
            raise BuildError(
                f"{self.label!r} is still being built, and a node of another process, which cannot show that, serves "
                f"{self.storage_dir}; run this cell again when it is built, or let it wait: figure.wait()"
            )
        return str(server.live_path(building.live, self.label))

    def _built_uri(self) -> str:
        self.building.wait()
        try:
            return self.building.result().uri
        except KeyboardInterrupt as error:
            raise BuildError(
                f"{self._label!r} is not built: that was stopped; show it again to go on"
            ) from error
