"""phy folders in the layout that Kilosort and phy write, with spikes that a test knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
CHANNELS, TEMPLATES, LENGTH = 12, 6, 20


@dataclass(frozen=True)
class Spikes:
    """What was written: sample and cluster of each spike, template of each, best channel of each template."""

    folder: Path
    samples: Array
    clusters: Array
    templates: Array
    best: Array
    positions: Array
    amplitudes: Array

    def of(self, cluster: int) -> Array:
        """Samples of a cluster's spikes, in order."""
        return np.sort(self.samples[self.clusters == cluster])


def write_phy(
    folder: Path,
    *,
    spikes: int = 600,
    length: int = 100_000,
    groups: Mapping[int, str] | None = None,
    labels: Mapping[int, str] | None = None,
    params: str | None = None,
    dtype: str = "int64",
    fortran: bool = False,
) -> Spikes:
    """Six clusters 0 to 5 on twelve channels of two shanks; cluster 6 was merged in phy out of 4 and 5, mostly 5."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    samples = np.sort(rng.integers(0, length, spikes)).astype(dtype)
    templates = rng.integers(0, TEMPLATES, spikes)
    clusters = np.where(templates == 5, 6, templates)
    clusters[np.flatnonzero(templates == 4)[::3]] = 6
    best = np.array([10, 3, 7, 0, 1, 5])
    shapes = np.zeros((TEMPLATES, LENGTH, CHANNELS), np.float32)
    for template, channel in enumerate(best):
        shapes[template] = 0.02 * rng.standard_normal((LENGTH, CHANNELS))
        shapes[template, 8, channel], shapes[template, 12, channel] = -1.0, 0.4
    positions = np.array([(32.0 * (c % 2) + 250 * (c // 6), 20.0 * (c // 2)) for c in range(CHANNELS)])
    # Whitened, some other channel is the largest.
    unwhiten = np.diag(np.where(np.arange(CHANNELS) % 2, 1.0, 4.0)).astype(np.float32)
    amplitudes = rng.uniform(5, 50, spikes)
    arrays = {
        "spike_times": samples,
        "spike_clusters": clusters.astype(np.int32),
        "spike_templates": templates.astype(np.uint32),
        "amplitudes": amplitudes,
        "templates": shapes @ np.linalg.inv(unwhiten).astype(np.float32),
        "whitening_mat_inv": unwhiten,
        "channel_map": np.arange(CHANNELS, dtype=np.int32),
        "channel_positions": positions,
        "channel_shanks": np.repeat([0, 1], CHANNELS // 2),
    }
    for name, array in arrays.items():
        column = array[:, None] if array.ndim == 1 and fortran else array
        np.save(folder / f"{name}.npy", np.asfortranarray(column) if fortran else column)
    params = (
        params
        or "dat_path = 'gone.bin'\nn_channels_dat = 12\ndtype = 'int16'\noffset = 0\nsample_rate = 30000.\n"
    )
    (folder / "params.py").write_text(params + "hp_filtered = False\n")
    for name, column, said in (("group", "group", groups), ("KSLabel", "KSLabel", labels)):
        if said is not None:
            rows = "".join(f"{cluster}\t{label}\n" for cluster, label in said.items())
            (folder / f"cluster_{name}.tsv").write_text(f"cluster_id\t{column}\n{rows}")
    return Spikes(folder, samples.astype(np.int64), clusters, templates, best, positions, amplitudes)
