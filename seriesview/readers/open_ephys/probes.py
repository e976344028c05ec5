"""Where the electrodes of Neuropixels probes are, from the `settings.xml` of Neuropix-PXI, OneBox and ONIX."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from xml.etree import ElementTree

from seriesview.readers.spikeglx.probes import probe_of_part

Element = ElementTree.Element
_CHANNEL = re.compile(r"CH(\d{1,6})(?:_(\d{1,2}))?")
_SHANK_PITCH = 250.0
_ELECTRODES_OF_A_SHANK = 1280
_MOST_MICROMETRES = 1e6


@dataclass(frozen=True)
class Site:
    """Where an electrode is on its probe, in micrometres from the tip upwards, and on which shank.

    `sample_shift`: how much later than a sample's time its channel is digitized, in samples; None: not known.
    """

    x: float
    y: float
    shank: str | None
    sample_shift: float | None = None


def sites_of_probes(root: Element) -> dict[str, dict[int, Site]]:
    """Sites by channel number, by the name of the probe's streams without -AP and -LFP.

    The probes of a processor come in the order of its streams. Before 0.6 processors list no streams: these are
    numbered then, and a probe has two, its spikes and its LFP, or one where it makes no difference between them.
    """
    found: dict[str, dict[int, Site]] = {}
    is_old = _version(root) < (0, 6)
    for processor in root.iter("PROCESSOR"):
        probes = [each for each in processor.iter("NP_PROBE") if each.get("isEnabled", "1") == "1"]
        streams = [each.get("name", "") for each in processor.findall("STREAM")]
        names = list(dict.fromkeys(probe_name(each) for each in streams if "ADC" not in each))
        node = processor.get("nodeId") or processor.get("NodeId") or ""
        before = 0
        for number, probe in enumerate(probes):
            sites = _sites(probe, is_old)
            custom = probe.get("custom_probe_name")
            if streams:
                called = [names[number]] if number < len(names) else []
                called += [custom] if custom else []
            else:
                bands = 1 if probe.get("lfpGainValue") is None else 2
                called = [f"{node}.{before + band}" for band in range(bands)]
                before += bands
            found.update(dict.fromkeys(called, sites) if sites else {})
        found.update(_onix(processor, names))
    return found


def probe_name(stream: str) -> str:
    """The probe that a stream is of: its name without -AP and -LFP."""
    return re.sub(r"-(AP|LFP|LF)$", "", stream)


def _version(root: Element) -> tuple[int, int]:
    """Of the GUI; that of today where it is not said."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})", root.findtext("INFO/VERSION") or "")
    return (int(match[1]), int(match[2])) if match else (1, 0)


def _sites(probe: Element, is_old: bool) -> dict[int, Site]:
    """Sites by channel number, from CHANNELS (`CH0="0:1"`: bank and shank), ELECTRODE_XPOS and ELECTRODE_YPOS.

    Before 0.6 the shank's place across was added to ypos as well.
    """
    places = [probe.find(tag) for tag in ("CHANNELS", "ELECTRODE_XPOS", "ELECTRODE_YPOS")]
    channels, xs, ys = (dict(each.attrib) if each is not None else {} for each in places)
    # Streams that are only numbered do not say which is the LFP, whose channels are digitized otherwise.
    known = None if is_old else probe_of_part(probe.get("probe_part_number", ""))
    sites: dict[int, Site] = {}
    for name, x in xs.items():
        number = _CHANNEL.fullmatch(name)
        said = re.fullmatch(r"\d{1,3}:(\d{1,2})", channels.get(name, ""))
        try:
            across, up = float(x), float(ys[name])
        except (KeyError, ValueError):
            return {}
        if number is None or not all(abs(each) < _MOST_MICROMETRES for each in (across, up)):
            return {}
        shank = said[1] if said else number[2]
        if is_old and shank is not None:
            up -= _SHANK_PITCH * int(shank)
        channel = int(number[1])
        sites[channel] = Site(across, up, shank, None if known is None else known.sample_shift(channel))
    return _told_apart(sites)


def _onix(processor: Element, names: list[str]) -> dict[str, dict[int, Site]]:
    """Sites of the probes of ONIX, which numbers electrodes; their streams end with what a probe is called.

    Raises nothing: a probe that is not known, or of which electrodes are not said, has none.
    """
    found = {}
    for each in processor.iter():
        electrodes, known = each.find("SELECTED_ELECTRODES"), probe_of_part(each.get("probePartNumber", ""))
        called = each.get("name") or each.tag.capitalize()
        name = next((name for name in names if name.endswith(f"-{called}")), None)
        if electrodes is None or known is None or name is None:
            continue
        sites = {}
        for channel, text in electrodes.attrib.items():
            number = _CHANNEL.fullmatch(channel)
            if number is None or not (text.isascii() and text.isdecimal() and len(text) < 6):
                break
            on_shank, shank = int(text), 0
            if known.shank_pitch:
                shank, on_shank = divmod(on_shank, _ELECTRODES_OF_A_SHANK)
            row, column = divmod(on_shank, known.columns)
            at = int(number[1])
            sites[at] = Site(*known.place(shank, column, row), str(shank), known.sample_shift(at))
        else:
            found[name] = _told_apart(sites)
    return found


def _told_apart(sites: dict[int, Site]) -> dict[int, Site]:
    """Without shanks where there is but one."""
    if len({site.shank for site in sites.values()}) > 1:
        return sites
    return {number: replace(site, shank=None) for number, site in sites.items()}
