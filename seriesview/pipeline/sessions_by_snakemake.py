"""A build of sessions by Snakemake: what comes before its jobs, and an index whatever becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seriesview.build.results import read_results
from seriesview.errors import BuildError
from seriesview.pipeline.built import BuiltSessions
from seriesview.pipeline.by_snakemake import SnakemakeRun
from seriesview.pipeline.configured import building
from seriesview.pipeline.locking import build_lock
from seriesview.pipeline.noted_sessions import note_sessions
from seriesview.pipeline.session_results import follow_renamed, write_sessions
from seriesview.pipeline.snakemake import SNAKEMAKE_LOG
from seriesview.sessions.facts import BUILT


class SnakemakeSessions(SnakemakeRun):
    """One run of the workflow on sessions."""

    def run(self, options: Sequence[str], always: bool = False) -> BuiltSessions:
        """Build; what cannot be built stops no other. Raises SeriesviewError.

        Where all datasets are built Snakemake is not asked, unless `always`, and the index is written again.
        """
        configured, results = self._configured, self.results
        store = configured.open_store()
        with build_lock(results.folder, Path.cwd()), building(store):
            follow_renamed(configured, results)
            is_done = self._prepare(store, keep_going=True) and not always
            note_sessions(self._content, configured.sessions, results.folder)
            status = 0 if is_done else self._snakemake([*self._base(), *options, "--keep-going"])
            if not is_done and status == 0 and results.whole_sessions.is_file():
                found = read_results([results.sessions])[0]["sessions"]
            else:
                reasons = {} if status == 0 else {name: why for name, (why, _) in self._missing().items()}
                found = write_sessions(configured, results, store, reasons)
                if status != 0 and all(each["state"] == BUILT for each in found):
                    raise BuildError(f"the build failed; {results.logs / SNAKEMAKE_LOG} says why")
        folder = results.folder.absolute()
        pictures = results.picture_problems({dataset.name for dataset in configured.datasets})
        return BuiltSessions(tuple(found), folder / results.index.name, folder, store, pictures)

    def _has_all(self, names: Sequence[str]) -> bool:
        return all(
            self.results.series(name).is_file() and self.results.picture(name).is_file() for name in names
        )
