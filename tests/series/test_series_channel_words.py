"""What is said of channels: types, groups, bad ones and positions, where they are known."""

from seriesview.series.channel_words import channel_facts, channel_lines
from seriesview.series.manifest import ChannelInfo


def test_what_is_known_is_said_in_a_line_each() -> None:
    channels = [
        ChannelInfo("0", "AP0", group="shank 1", x=11.0, y=0.0, type="SEEG"),
        ChannelInfo("1", "AP1", group="shank 1", x=43.0, y=20.0, type="SEEG", bad=True),
        ChannelInfo("2", "sync", type="TRIG"),
    ]
    assert list(channel_lines(channels)) == [
        "types: SEEG (2), TRIG (1)",
        "bad: AP1",
        "groups: shank 1 (2)",
        "positions: y 0 to 20 um from the tip, not of 1, x 11 to 43 um",
    ]
    facts = channel_facts(channels)
    assert facts["y"] == [0.0, 20.0]
    assert facts["with_positions"] == 2


def test_of_units_it_is_said_of_how_many_the_best_channel_is_known() -> None:
    units = [ChannelInfo("7", "7", best_channel="AP3"), ChannelInfo("8", "8")]
    assert list(channel_lines(units)) == ["best channels: known of 1 of 2"]
    assert channel_facts(units[:1]) == {"with_best_channels": 1}


def test_of_nothing_known_nothing_is_said() -> None:
    assert list(channel_lines([ChannelInfo("0", "a"), ChannelInfo("1", "b")])) == []
    assert channel_facts([]) == {}


def test_of_very_many_bad_channels_and_groups_some_are_named() -> None:
    channels = [ChannelInfo(str(n), f"c{n}", group=f"g{n}", bad=True) for n in range(30)]
    bad, groups = channel_lines(channels)
    assert bad.endswith("c9 and 20 more")
    assert groups.endswith("and 20 more")
