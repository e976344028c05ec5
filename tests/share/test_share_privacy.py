"""What an NWB file says of people stays in it: no artifact, page, export, picture or printed line has it."""

import base64
import gzip
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from nwb_files import describe, series, table, write_nwb
from shared_workspaces import run

_EMBEDDED = re.compile(rb'<script type="text/plain" data-path="[^"]*">([A-Za-z0-9+/=]+)</script>')
GENERAL = [
    "data_collection",
    "experiment_description",
    "experimenter",
    "institution",
    "keywords",
    "lab",
    "notes",
    "pharmacology",
    "protocol",
    "related_publications",
    "session_id",
    "slices",
    "source_script",
    "stimulus",
    "surgery",
    "virus",
    "was_generated_by",
]
SUBJECT = [
    "age",
    "date_of_birth",
    "description",
    "genotype",
    "sex",
    "species",
    "strain",
    "subject_id",
    "weight",
    "name",
    "hospital_number",
]


def planted(path: Path) -> tuple[Path, list[str]]:
    """An NWB file with a text of its own in each field that is about people, and those texts."""
    texts: list[str] = []

    def plant(holder: h5py.Group, *names: str) -> None:
        for name in names:
            texts.append(f"planted-{len(texts)}-{name}")
            holder[name] = [texts[-1]] if name in ("experimenter", "keywords") else texts[-1]

    def plant_attributes(node: h5py.Group | h5py.Dataset, *names: str) -> None:
        for name in names:
            texts.append(f"planted-{len(texts)}-{name}")
            node.attrs[name] = texts[-1]

    def fill(file: h5py.File) -> None:
        del file["identifier"], file["session_description"]
        plant(file, "identifier", "session_description", "file_create_date")
        general = file.create_group("general")
        plant(general, *GENERAL)
        subject = general.create_group("subject")
        describe(subject, "Subject")
        plant(subject, *SUBJECT)
        plant_attributes(subject, "comments", "patient")
        meta = general.create_group("clinic")
        describe(meta, "LabMetaData")
        plant(meta, "patient_name", "admission")
        device = general.create_group("devices/amplifier")
        describe(device, "Device")
        plant_attributes(device, "description", "manufacturer", "serial_number")
        group = general.create_group("extracellular_ephys/shank0")
        describe(group, "ElectrodeGroup")
        plant_attributes(group, "description", "location")
        electrodes = table(
            file,
            "general/extracellular_ephys/electrodes",
            "DynamicTable",
            [0, 1],
            {"label": ["A1", "A2"], "location": ["planted-location"] * 2},
        )
        texts.append("planted-location")
        plant_attributes(electrodes, "description")
        scratch = file.create_group("scratch")
        plant(scratch, "remarks")
        for name, data in (
            ("voltage", np.arange(40_000, dtype=np.int16).reshape(-1, 2)),
            ("short", np.arange(9.0)),
        ):
            made = series(file, f"acquisition/{name}", data, rate=1000.0)
            plant_attributes(made, "description", "comments")
        regions = file["acquisition/voltage"].create_dataset("electrodes", data=np.arange(2))
        regions.attrs["table"] = electrodes.ref
        plant_attributes(regions, "description")
        units = table(
            file,
            "units",
            "Units",
            [1, 2],
            {"spike_times": [[0.5, 1.0], [2.0]], "notes": ["planted-unit"] * 2},
        )
        texts.append("planted-unit")
        plant_attributes(units, "description")
        spans = {"start_time": [0.0, 2.0], "stop_time": [1.0, 3.0]}
        trials = table(file, "intervals/trials", "TimeIntervals", [0, 1], spans)
        plant_attributes(trials, "description")

    return write_nwb(path, fill), texts


def files_with(folder: Path, texts: list[str], but: Path) -> list[tuple[Path, str]]:
    """Files below a folder, packed ones unpacked, that hold one of the texts, in their names or in UTF-8 or UTF-16."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path == but or not path.is_file():
            continue
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content += gzip.decompress(content)
        content += b"".join(map(base64.b64decode, _EMBEDDED.findall(content)))
        for text in texts:
            if text in path.name or text.encode() in content or text.encode("utf-16-le") in content:
                found.append((path, text))
    return found


@pytest.mark.parametrize("full_resolution", ["auto", "store"])
def test_nothing_about_people_leaves_an_nwb_file(tmp_path: Path, full_resolution: str) -> None:
    recording, texts = planted(tmp_path / "session.nwb")
    assert len(texts) > 50
    looks: list[tuple[str, ...]] = [("inspect", "session.nwb"), ("inspect", "session.nwb", "--json")]
    printed = [run(*look, cwd=tmp_path).stdout for look in looks]
    done = run("init", "session.nwb", cwd=tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text().replace("path:", f"full_resolution: {full_resolution}\n    path:"))
    printed += [done.stdout, done.stderr]
    for arguments in (
        ("build",),
        ("info", "results/workspace.json"),
        ("export", "results/workspace.json", "folder", "--raw"),
        ("export", "results/workspace.json", "--single-file", "one.html"),
        ("verify", "folder"),
        ("ls",),
    ):
        done = run(*arguments, cwd=tmp_path)
        printed += [done.stdout, done.stderr]
    assert (tmp_path / "results" / "pictures").is_dir() or list((tmp_path / "results").rglob("*.png"))
    assert files_with(tmp_path / "folder", ["A1"], recording), "labels of electrodes go along"
    assert files_with(tmp_path, texts, recording) == []
    assert [text for text in texts if text in "".join(printed)] == []
