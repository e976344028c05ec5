"""Series that are really built, their manifests checked by the schema of docs/."""

import json
from pathlib import Path

import numpy as np
from jsonschema import Draft202012Validator
from second_reader import SecondReader

from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config
from seriesview.build.series import build_series

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def check_by_schema(document, kind="series"):
    """A manifest follows its schema."""
    Draft202012Validator(json.loads((SCHEMAS / f"{kind}.schema.json").read_text())).validate(document)


def built(store, path, name="raw", **config):
    """What results/series/NAME.json holds of the series of a file."""
    dataset = dataset_from_config(name, {"path": str(path)} | config)
    ledger = store.directory.parent / "ledgers" / f"{name}.jsonl"
    result = build_series(dataset, build_artifacts(dataset, Job(store, ledger)), store)
    check_by_schema(store.get_json(result["uri"]))
    return result


def read(store, path, **config):
    """The second reader of a series that is built here."""
    return SecondReader(store.directory, built(store, path, **config)["uri"])


def saved(directory, array, name="raw.npy"):
    """The path of an array as .npy file."""
    np.save(directory / name, array)
    return directory / name
