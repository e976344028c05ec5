"""The steps of a build: what is made of one dataset, and what is put together of all, with nothing done twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seriesview.build.artifacts import Job, build_artifacts, build_shard, gather_shards
from seriesview.build.dataset import (
    Dataset,
    naming_dataset,
    undescribed,
    what_decides_samples,
)
from seriesview.build.followed import Following
from seriesview.build.following import follow_samples
from seriesview.build.growing import while_growing
from seriesview.build.opening import opened_recording
from seriesview.build.outlook import built_samples
from seriesview.build.results import read_results, uris, write_json
from seriesview.build.series import build_series
from seriesview.build.shards import Shard
from seriesview.build.source import identify_recording
from seriesview.build.work_folder import WorkFolder, made_elsewhere, own_work_folder
from seriesview.errors import BuildError
from seriesview.store import Store


def made_samples(
    dataset: Dataset, work: WorkFolder, job: Job, following: Following | None = None
) -> tuple[dict[str, Any], bool]:
    """What is made of a dataset's samples, and whether it is made now: what is there stays, where it is what would be.

    With `following` its own files are followed before that, until nothing comes any more. Raises SeriesviewError,
    naming the dataset.
    """
    path = work.samples(dataset)
    with work.building(dataset):
        if following is not None and dataset.source is None:
            made = _there(dataset, path, job.store, while_growing(dataset))
            follow_samples(undescribed(dataset), job, following, is_built=made is not None)
        made = _there(dataset, path, job.store, dataset)
        if made is not None:
            return made, False
        path.unlink(missing_ok=True)
        made = build_artifacts(undescribed(dataset), job)
        with naming_dataset(dataset):
            job.store.flush()
        write_json(path, made)
        return made, True


def _there(dataset: Dataset, path: Path, store: Store, opened_as: Dataset) -> dict[str, Any] | None:
    if not path.exists():
        return None
    with opened_recording(undescribed(opened_as), store) as recording:
        made = built_samples(dataset, path, identify_recording(recording))
    return made if made is not None and all(map(store.exists, uris(made["manifest"]))) else None


@dataclass(frozen=True)
class Step:
    """What one job does of building datasets: all of it where nothing is chosen.

    `samples`: only what reads samples. `samples_file`: only what is said of the samples that this file names. `shard`:
    one of several shares (index, count) of what reads samples; `shard_files`: put those together. `ledger`: the folder
    where finished parts are noted, the user's own where it is None. `threads`: as of a Job.
    """

    samples: bool = False
    samples_file: Path | None = None
    shard: tuple[int, int] | None = None
    shard_files: Sequence[Path] = ()
    ledger: Path | None = None
    threads: int = 0

    @property
    def share(self) -> str:
        """What tells the files of a share from those of others."""
        return "" if self.shard is None else f"-{self.shard[0]}-of-{self.shard[1]}"

    def run(self, dataset: Dataset, store: Store, out: Path) -> None:
        """Do it, and write the result. Raises SeriesviewError."""
        out.unlink(missing_ok=True)
        result = self._result(dataset, store)
        # What is told to be there is there, in a bucket too.
        with naming_dataset(dataset):
            store.flush()
        write_json(out, result)

    def _result(self, dataset: Dataset, store: Store) -> dict[str, Any]:
        if self.samples_file is not None:
            (made,) = read_results([self.samples_file])
            _check_made_with(made, dataset, self.samples_file)
            return self._series(dataset, made, store)
        if self.shard is not None:
            share = build_shard(undescribed(dataset), self._job(dataset, store), Shard(*self.shard))
            return {**share, "made_with": what_decides_samples(dataset), "shard": list(self.shard)}
        made = self._made(dataset, store)
        return made if self.samples else self._series(dataset, made, store)

    def _series(self, dataset: Dataset, made: dict[str, Any], store: Store) -> dict[str, Any]:
        return build_series(
            dataset,
            made,
            store,
            partial(self._job(dataset, store).say, dataset),
            self._source(dataset, store),
        )

    def _source(self, dataset: Dataset, store: Store) -> dict[str, Any] | None:
        """The series of what a dataset is made of, built where it is not yet."""
        if dataset.source is None:
            return None
        work = own_work_folder(store)
        job = Job(store, work.ledger(dataset.source), self.threads)
        made, _ = made_samples(dataset.source, work, job)
        return build_series(dataset.source, made, store, source=self._source(dataset.source, store))

    def _made(self, dataset: Dataset, store: Store) -> dict[str, Any]:
        job = self._job(dataset, store)
        if self.shard_files:
            return gather_shards(undescribed(dataset), job, self._shares(dataset))
        if self.ledger is None:
            return made_samples(dataset, own_work_folder(store), job)[0]
        return build_artifacts(undescribed(dataset), job)

    def _shares(self, dataset: Dataset) -> list[dict[str, Any]]:
        """What the shards made, in their order. Raises BuildError where they are not all shares of this dataset."""
        shares = read_results(self.shard_files)
        for path, share in zip(self.shard_files, shares, strict=True):
            _check_made_with(share, dataset, path)
        shares.sort(key=lambda share: share["shard"])
        found = [tuple(share["shard"]) for share in shares]
        if found != [(index, len(found)) for index in range(len(found))]:
            told = ", ".join(f"{index}/{count}" for index, count in found)
            raise BuildError(
                f"dataset {dataset.name}: the files of its shards are of {told}; give each of the N once"
            )
        return shares

    def _job(self, dataset: Dataset, store: Store) -> Job:
        if self.ledger is None:
            work = own_work_folder(store)
            folder, stem = work.ledger(dataset).parent, work.stem(dataset)
        else:
            folder, stem = self.ledger, dataset.name
        whole = None if self.shard is None else folder / f"{stem}.jsonl"
        return Job(
            store, folder / f"{stem}{self.share}.jsonl", self.threads, whole=whole, elsewhere=made_elsewhere()
        )


def _check_made_with(made: Mapping[str, Any], dataset: Dataset, path: Path) -> None:
    """Raise BuildError where a file is not of this dataset, read as it is to be read now."""
    if made.get("made_with") != what_decides_samples(dataset):
        raise BuildError(
            f"dataset {dataset.name}: {path}: was made of another file or with other keys; make it again with those of "
            "this step"
        )


def write_if_new(path: Path, content: Mapping[str, Any]) -> bool:
    """Write a result, unless that very one is there; whether it was written. Raises BuildError."""
    try:
        if read_results([path]) == [content]:
            return False
    except BuildError:
        pass
    write_json(path, content)
    return True
