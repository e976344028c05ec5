"""Filters that `seriesview view` opens traces with, as links have them."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import pytest
from click.testing import CliRunner

from seriesview.cli.filter_options import filter_options, wanted_filter
from seriesview.errors import SeriesviewError
from seriesview.figures.published import PublishedPage
from seriesview.steps.documents import parse_steps
from seriesview.viewer.presets import presets


@click.command()
@filter_options
def command(**options: Any) -> None:
    try:
        click.echo(json.dumps(wanted_filter(options)))
    except SeriesviewError as error:
        raise click.ClickException(str(error)) from None
    assert not options


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", None),
        ("--preset spikes", {"preset": "spikes"}),
        ("--highpass 300", {"steps": [{"highpass": 300}]}),
        ("--lowpass 0.5", {"steps": [{"lowpass": 0.5}]}),
        ("--highpass 1 --lowpass 40", {"steps": [{"bandpass": [1, 40]}]}),
        (
            "--reference median --notch 50 --bandpass 300 6000",
            {"steps": [{"bandpass": [300, 6000]}, {"notch": 50}, {"reference": "median"}]},
        ),
        ("--reference M1,\\ M2", {"steps": [{"reference": ["M1", "M2"]}]}),
    ],
)
def test_options_are_steps(words: str, expected: Any) -> None:
    ran = CliRunner().invoke(command, words)
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.output) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--preset tea", "'tea' is not one of"),
        ("--preset lfp --notch 50", "leave --notch out"),
        ("--bandpass 1 2 --highpass 3", "give it alone"),
        ("--bandpass 6000 300", "the lower frequency comes first"),
        ("--highpass 0", "x>0"),
    ],
)
def test_what_cannot_be_is_said(words: str, said: str) -> None:
    ran = CliRunner().invoke(command, words)
    assert ran.exit_code != 0
    assert said in ran.output


def test_presets_are_steps_that_a_configuration_takes() -> None:
    for name, preset in presets().items():
        steps = [{key: value for key, value in step.items() if key != "when"} for step in preset["steps"]]
        parse_steps([step | ({"notch": 50} if "notch" in step else {}) for step in steps], name)


def test_an_address_of_an_export_says_it_too() -> None:
    for address in ("https://example.org/rat7/", "https://example.org/rat7/?a=b"):
        made = PublishedPage(address, None).link_with({"filter": {"preset": "lfp"}})
        assert made.startswith(address)
        assert json.loads(parse_qs(urlsplit(made).query)["s"][0]) == {"filter": {"preset": "lfp"}}
