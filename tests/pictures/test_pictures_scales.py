"""Scales of pictures: artefacts make nothing flat, nothing is an error, and very many channels cost little."""

import io

import numpy as np
import pytest
from PIL import Image

from seriesview.pictures.canvas import Canvas
from seriesview.pictures.colors import CUT, SERIES_COLORS
from seriesview.pictures.figure import overview, plot
from seriesview.pictures.panel_bodies import MOST_ROWS
from seriesview.series.manifest import ChannelInfo

noise = np.random.default_rng(11)


def pixels(png):
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))


def channels_of(samples):
    """Channels that know what is typical of them."""
    found = []
    for number, values in enumerate(samples.T):
        there = np.sort(values[np.isfinite(values)]) if samples.dtype.kind == "f" else np.sort(values)
        places = [(q * (len(there) - 1) + 50) // 100 for q in (1, 50, 99)]
        typical = tuple(there[places].tolist()) if len(there) else None
        found.append(ChannelInfo(f"c{number}", f"ch {number}", typical=typical))
    return found


def made(make, samples, **fields):
    return make.sampled([(0.0, samples)], 100.0, channels=channels_of(samples), factors=(16, 64), **fields)


def rows_of_trace(image, color=SERIES_COLORS[0]):
    """How many rows of the drawing have the trace's colour."""
    drawn = (image[76:-40, 84:-100] == np.array(color, np.uint8)).all(axis=2)
    return int(drawn.any(axis=1).sum())


@pytest.mark.parametrize("spoilt", [-9999.0, 1e36, -1e36])
def test_a_few_spoilt_samples_do_not_make_a_trace_flat(make, spoilt):
    samples = noise.normal(0, 10, (6000, 1))
    samples[noise.random(6000) < 0.02] = spoilt
    image = pixels(overview(made(make, samples)))
    # Between the fills the trace is seen: many of its columns end somewhere in the middle.
    drawn = (image[76:-40, 84:-100] == np.array(SERIES_COLORS[0], np.uint8)).all(axis=2)
    tops = drawn.argmax(axis=0)[drawn.any(axis=0)]
    assert len(np.unique(tops)) > 10
    assert (image == np.array(CUT, np.uint8)).all(axis=2).any()


def test_one_channel_shows_its_whole_range(make):
    samples = noise.normal(0, 10, (6000, 1))
    samples[::200] = 300
    image = pixels(overview(made(make, samples)))
    assert rows_of_trace(image) > 150
    assert not (image == np.array(CUT, np.uint8)).all(axis=2).any()


def test_a_bad_electrode_makes_no_other_trace_flat(make):
    samples = noise.normal(0, 10, (6000, 8))
    usual = rows_of_trace(pixels(overview(made(make, samples))))
    samples[:, 3] = noise.normal(50_000, 9000, 6000)
    assert rows_of_trace(pixels(overview(made(make, samples)))) > 0.8 * usual


ODD = {
    "a constant beyond 2^53": np.full(3000, 2.0**60),
    "a constant near the end of doubles": np.full(3000, -1.7e308),
    "a range below 1e-306": noise.normal(0, 1e-310, 3000),
    "the whole range of doubles": noise.choice([-1.7e308, 1.7e308], 3000),
    "neighbours of 2^55": 2.0**55 + 8.0 * noise.integers(0, 3, 3000),
    "nothing": np.full(3000, np.nan),
    "infinity": np.full(3000, np.inf),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_numbers_are_no_error_and_hide_no_other_channel(make, name):
    usual = noise.normal(0, 10, (3000, 4))
    for panel in (None, "ProbabilityDensity"):
        for others in (0, 1, 4):
            samples = np.column_stack([usual[:, :others], ODD[name]])
            assert overview(made(make, samples), panel=panel)
            assert plot(made(make, samples), 1.0, 1.02, panel=panel)
    many = np.column_stack([noise.normal(0, 10, (3000, 70)), ODD[name]])
    assert overview(made(make, many))
    alone = rows_of_trace(pixels(overview(made(make, np.column_stack([usual, usual])))))
    among = rows_of_trace(pixels(overview(made(make, np.column_stack([usual, ODD[name], usual[:, :3]])))))
    assert among > 0.7 * alone
    times = np.arange(3000) / 7
    assert overview(make.irregular(times, ODD[name][:, np.newaxis]))


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_64_bit_integers_at_their_ends(make, dtype):
    limits = np.iinfo(dtype)
    for low, high in ((limits.min, limits.max), (limits.max - 2, limits.max), (2**53, 2**53 + 4)):
        samples = noise.integers(low, high, (3000, 2), dtype=dtype, endpoint=True)
        assert overview(made(make, samples))


@pytest.mark.parametrize(
    ("kind", "fields"), [("images", {}), ("densities", {"unit": "probability"}), ("dots", {})]
)
def test_of_very_many_channels_some_are_drawn_and_it_is_said(make, monkeypatch, kind, fields):
    texts = []
    original = Canvas.text
    monkeypatch.setattr(
        Canvas, "text", lambda *args, **more: (texts.append(args[3]), original(*args, **more))[1]
    )
    samples = noise.integers(0, 99, (1100, 3000)).astype(np.uint8)
    if kind == "dots":
        series = make.irregular(np.arange(1100.0), samples)
    else:
        series = make.sampled([(0.0, samples)], 100.0, **fields)
    assert overview(series, data={"bin_centers": list(range(3000))})
    drawn = 64 if kind == "dots" else MOST_ROWS
    assert any("3,000 channels" in text and f"{drawn} of them drawn" in text for text in texts)
