"""Finished pictures: their size, their colours at known places, and every type of series."""

import io

import numpy as np
import pytest
from PIL import Image

from seriesview.errors import RequestError
from seriesview.pictures.axis import make_axis
from seriesview.pictures.canvas import Box, Canvas
from seriesview.pictures.colors import BACKGROUND, BAND_COLORS, GAP, heat
from seriesview.pictures.figure import overview, plot
from seriesview.pictures.point_bodies import event_counts
from seriesview.series.manifest import ChannelInfo
from seriesview.workspace.panels import PANEL_TYPES


def pixels(png):
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))


def has(image, color):
    return bool((image == np.array(color, np.uint8)).all(axis=-1).any())


def test_columns_are_vertical_lines_from_low_to_high_without_smoothing():
    canvas = Canvas(10, 20)
    low = np.array([12.0, 5.4, np.nan, 30.0, -8.0])
    high = np.array([4.0, 5.4, 3.0, 15.0, -3.0])
    canvas.columns(Box(2, 2, 7, 18), low, high, (0, 0, 0))
    image = pixels(canvas.png())
    dark = (image == 0).all(axis=2)
    expected = np.zeros((20, 10), dtype=bool)
    expected[4:13, 2] = True
    expected[5, 3] = True
    expected[15:18, 5] = True
    np.testing.assert_array_equal(dark, expected)


def test_a_plot_has_the_size_that_was_asked_for_and_the_same_bytes_again(make):
    samples = np.random.default_rng(0).normal(size=(5000, 6)).astype(np.float32)
    series = make.sampled([(0.0, samples)], 100.0, factors=(64,), label="Six")
    png = plot(series, 3.0, 9.0, 700, 300)
    assert Image.open(io.BytesIO(png)).size == (700, 300)
    assert plot(series, 3.0, 9.0, 700, 300) == png
    assert plot(series, 3.0, 9.0, 700, 300, channels=["c1", "c4"]) != png


def test_the_trace_is_where_the_values_are(make):
    """A step from low to high, one channel: left half of the trace at the bottom, right half at the top."""
    samples = np.repeat(np.array([0, 100], np.int16), 5000)[:, None]
    series = make.sampled([(0.0, samples)], 1000.0, factors=(64,))
    image = pixels(plot(series, None, None, 800, 300))
    drawn = (image == np.array([0, 92, 158], np.uint8)).all(axis=2)[:, 84:-100]
    columns = np.flatnonzero(drawn.any(axis=0))
    left, right = drawn[:, columns[5]], drawn[:, columns[-5]]
    assert left.sum() == 1
    assert right.sum() == 1
    assert np.flatnonzero(left)[0] > np.flatnonzero(right)[0] + 100
    assert drawn.sum(axis=0).max() > 100


def test_gaps_are_shaded_and_missing_values_are_not(make):
    part = np.sin(np.arange(3000) / 50.0)[:, None]
    part[1000:1400] = np.nan
    with_gap = make.sampled([(0.0, part), (9.0, part)], 1000.0, factors=(64,))
    without = make.sampled([(0.0, part)], 1000.0, factors=(64,))
    assert has(pixels(overview(with_gap)), GAP)
    assert not has(pixels(overview(without)), GAP)


@pytest.mark.parametrize("count", [1, 2, 5, 64, 65, 130])
def test_any_number_of_channels(make, count):
    samples = np.random.default_rng(1).integers(-900, 900, (4000, count)).astype(np.int16)
    channels = [ChannelInfo(str(n), f"<{n}>", group=f"g{n % 3}") for n in range(count)]
    series = make.sampled(
        [(0.0, samples)], 1000.0, factors=(16, 64), channels=channels, unit="volts", scale=1e-6
    )
    image = pixels(overview(series, name="many"))
    assert image.shape[1] == 1280
    assert not (image == np.array(BACKGROUND, np.uint8)).all()


@pytest.mark.parametrize("values", [np.zeros((500, 3)), np.full((500, 5), np.nan), np.full((500, 1), np.inf)])
def test_flat_missing_and_infinite_values_are_no_error(make, values):
    assert overview(make.sampled([(0.0, values)], 10.0))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16"])
def test_sample_types(make, dtype):
    samples = (np.arange(3000) % 100).astype(dtype)[:, None]
    assert overview(make.sampled([(0.0, samples)], 100.0, factors=(64,)))


def test_one_sample_and_levels_alone(make):
    assert overview(make.sampled([(0.0, np.array([[4]], np.int16))], 100.0))
    samples = np.arange(90_000, dtype=np.int32)[:, None]
    assert overview(make.sampled([(0.0, samples)], 100.0, factors=(64, 256), with_samples=False))


def test_discrete_samples_are_dots_or_ranges(make):
    times = np.sort(np.random.default_rng(2).uniform(0, 50, 900))
    values = np.random.default_rng(3).normal(size=(900, 1))
    dots = pixels(overview(make.irregular(times, values, unit="uV")))
    assert not (dots[76:-40, 84:-100] == 255).all()
    many = np.sort(np.random.default_rng(2).uniform(0, 50, 120_000))
    assert overview(make.irregular(many, np.random.default_rng(3).normal(size=(120_000, 1))))


def test_event_counts_of_columns_are_the_same_from_events_and_from_a_count_level(make):
    rng = np.random.default_rng(4)
    times = np.sort(rng.uniform(0, 256, 150_000))
    times[0] = 0.0
    channels = rng.integers(0, 3, times.size)
    series = make.events(times, channels, 3, bin_seconds=0.0625)
    axis = make_axis(series, 0.0, 256.0, 128)
    expected = np.zeros((128, 3))
    np.add.at(expected, ((times / 2.0).astype(int), channels), 1)
    np.testing.assert_array_equal(event_counts(series, axis, ["u0", "u1", "u2"]), expected)
    np.testing.assert_array_equal(event_counts(series, axis, ["u2"]), expected[:, [2]])
    few = make.events(times[:700], channels[:700], 3)
    few_axis = make_axis(few, 0.0, 4.0, 16)
    found = event_counts(few, few_axis, ["u0", "u1", "u2"])
    inside = times[:700] <= 4.0
    assert found.sum() == inside.sum()


def test_events_intervals_and_nothing_at_all(make):
    times = np.array([0.5, 1.0, 1.0, 7.0])
    assert overview(make.events(times, np.array([0, 1, 1, 2]), 3), name="units")
    assert overview(make.events(np.empty(0), np.empty(0, int), 2), name="silent")
    spans = np.array([[0.0, 5.0], [5.0, 9.0], [9.0, 9.0]])
    image = pixels(overview(make.intervals(spans, ["run", "sleep & <rest>", "run"]), name="states"))
    assert has(image, BAND_COLORS[0])
    assert has(image, BAND_COLORS[1])


def test_a_probability_is_an_image_with_its_first_bin_at_the_bottom(make):
    density = np.zeros((400, 10), np.float32)
    density[:, 0] = 1.0
    series = make.sampled([(0.0, density)], 50.0, unit="probability")
    image = pixels(overview(series, panel="ProbabilityDensity", data={"bin_centers": list(range(10))}))
    assert image.shape == pixels(overview(series)).shape
    frame = image[76:-40, 84:-100].astype(int)
    assert frame[-5].sum() > 2 * frame[5].sum()


def test_powers_are_drawn_in_decibels(make):
    power = np.full((400, 10), 1e-3, np.float32)
    power[:, :5] = 1.0
    power[:, 0] = 1e3
    series = make.sampled([(0.0, power)], 50.0, unit="uV^2/Hz", kind="means")
    image = pixels(overview(series, panel="ProbabilityDensity"))
    frame = image[76:-40, 84:-100].astype(int).sum(axis=(1, 2))
    middle = frame[int(len(frame) * 0.7)]
    assert frame[5] < middle < frame[-5]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"start": 5.0, "end": 5.0}, "start must be before"),
        ({"start": 500.0, "end": 600.0}, "the series goes from"),
        ({"start": float("nan")}, "start must be before"),
        ({"width": 10}, "cannot be drawn"),
        ({"height": 10**6}, "cannot be drawn"),
        ({"channels": ["nope"]}, "no channel 'nope'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, arguments, reason):
    series = make.sampled([(0.0, np.zeros((1000, 2)))], 100.0)
    with pytest.raises(RequestError, match=reason):
        plot(series, **arguments)


def test_heat_gets_lighter_all_the_way():
    lightness = heat(np.linspace(0, 1, 50), 0, 1).astype(float) @ [0.3, 0.59, 0.11]
    assert (np.diff(lightness) > 0).all()


@pytest.mark.parametrize("count", [8, 100])
def test_a_probes_tip_is_at_the_bottom(make, count):
    samples = np.random.default_rng(1).normal(0, 1, (5000, count)).astype(np.float32)
    names = [str(number) for number in range(count)]
    channels = [ChannelInfo(name, name, y=20.0 * int(name)) for name in names]
    placed = make.sampled([(0.0, samples)], 1000.0, factors=(16, 64), channels=channels)
    stored = make.sampled(
        [(0.0, np.ascontiguousarray(samples[:, ::-1]))],
        1000.0,
        factors=(16, 64),
        channels=[ChannelInfo(name, name) for name in reversed(names)],
    )
    assert overview(placed, name="same") == overview(stored, name="same")
    assert plot(placed, name="same") == plot(stored, name="same")


@pytest.mark.parametrize(
    ("panel_type", "series_type"),
    [(name, each) for name, panel_type in PANEL_TYPES.items() for each in panel_type.series_types],
)
def test_every_type_of_panel_is_drawn_of_every_type_of_series_that_it_takes(make, panel_type, series_type):
    times, values = np.arange(300.0), np.arange(600.0).reshape(300, 2)
    series = {
        "continuous": make.sampled([(0.0, values)], 1.0, factors=(16,)),
        "discrete": make.irregular(times, values),
        "event": make.events(times, np.arange(300) % 2, 2),
        "interval": make.intervals(np.array([[0.0, 5.0], [7.0, 9.0]]), ["N1", "W"]),
    }[series_type]
    assert pixels(overview(series, panel=panel_type)).std() > 0
    given = {key: KEYS[key] for key in PANEL_TYPES[panel_type].data_keys}
    assert pixels(overview(series, panel=panel_type, data=given)).std() > 0


# A value for each key that the data of panels may hold.
KEYS = {
    "mode": "image",
    "order": "type",
    "channels_per_screen": 1,
    "gains": {"EMG": 2},
    "over": ["units"],
    "mains": 50.0,
    "y": "c1",
    "color": "c0",
    "lines": True,
    "bin_centers": [1.0, 2.0],
    "lanes": ["R", "W"],
}


def test_marks_are_coloured_by_a_channel_and_lanes_stand_in_the_order_that_is_named(make):
    times = np.arange(200.0)
    values = np.stack([times, np.where(times < 100, -1.0, 1.0)], axis=1)
    drawn = pixels(
        overview(make.irregular(times, values), panel="EventAmplitudes", data={"y": "c0", "color": "ch 1"})
    )
    for end in (-1.0, 1.0):
        assert has(drawn, heat(np.array([end]), -1.0, 1.0)[0])
    intervals = make.intervals(np.array([[0.0, 5.0], [5.0, 9.0]]), ["N1", "W"])
    first, other = (
        pixels(overview(intervals, panel="IntervalLanes", data={"lanes": lanes})) for lanes in (["W"], ["N1"])
    )
    assert (first != other).any()
