"""What channels measure, as BIDS names it, from their labels and units, where the file does not say.

Labels are those of the 10-20 and 10-10 systems, of polysomnography, and the words with which labels begin in EDF+
(https://www.edfplus.info/specs/edftexts.html). A unit that contradicts a label leaves a channel without a type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from seriesview.readers.protocol import Decision

_VOLTS = re.compile(r"([numkµμ]?v|(micro|milli|nano)?volts?)", re.IGNORECASE)
# Electrodes of the 10-20 and 10-10 systems; mastoids and earlobes, which others are measured against.
_SITE = r"(?:nz|iz|(?:fp|af|f|ft|fc|t|c|tp|cp|p|po|o)(?:z|10|[1-9]))"
_REFERENCE = r"(?:[am][12])"
_ELECTRODE = re.compile(rf"({_SITE}|{_REFERENCE})(?:\s*[-/]\s*({_SITE}|{_REFERENCE}|\w*ref|le|av|avg))?")
_LEAST_SITES = 3  # one less beside other signals of a head or a body

# What a label begins with, whatever else stands in it, and whether its unit must be volts (True) or must not (False).
_NAMED: tuple[tuple[str, str, bool | None], ...] = (
    ("EEG", r"eeg", True),
    ("EOG", r"[hv]eog[a-z]{0,3}|eog[hvlr]?", True),
    ("EMG", r"emg", True),
    ("ECG", r"e[ck]g", True),
    ("SEEG", r"seeg", True),
    ("ECOG", r"ecog", True),
    ("RESP", r"resp(iration)?", None),
    ("TEMP", r"temp(erature)?", False),
    ("GSR", r"gsr|eda", None),
    ("PPG", r"ppg|pleth", None),
    ("ACCEL", r"acc(el)?", False),
    ("GYRO", r"gyro?", False),
)
# Whole labels.
_LINES: tuple[tuple[str, str, bool | None], ...] = (
    ("TRIG", r"(trig(ger)?s?|status|event marker|sti|stim|ttl)[\s_:.-]*\d*", None),
)
# In recordings that have others of a body.
_OF_A_BODY: tuple[tuple[str, str, bool | None], ...] = (
    ("EOG", r"[lr]oc|(e[12]|[lr]oc)\s*[-/]\s*\w+", True),
    (
        "EMG",
        r"(l(eft)?|r(ight)?)?[ _-]?(chin|submental|tib(ialis)?|leg|lat|rat|masseter)\s*[-_/ ]?[\w/ -]{0,8}",
        True,
    ),
    (
        "RESP",
        r"(nasal|oral|air|oro-?nasal)?[ _-]?(flow|pressure|therm(istor)?|cannula)|ptaf|effort\W?\w*",
        None,
    ),
    ("RESP", r"(thor(ax|acic)?|abd(o(men|minal)?)?|chest)[ _-]?(resp|effort|belt|rip)?", None),
    ("MISC", r"s[ap]o2\W?.{0,12}|pulse|hr|position|body pos(ition)?|light|snore|sound", None),
)


class Labelled(Protocol):
    """A channel, of a reader or a manifest."""

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    @property
    def unit(self) -> str | None:
        """Its own unit."""
        ...

    @property
    def type(self) -> str | None:
        """What it measures."""
        ...


def guessed_types(channels: Sequence[Labelled], unit: str) -> list[str | None]:
    """A type for each channel: its own, else what its label and unit (else `unit`) say together, else None."""
    labels = [" ".join(channel.label.casefold().split()) for channel in channels]
    is_volt = [bool(_VOLTS.fullmatch((channel.unit or unit).strip())) for channel in channels]
    found = [
        channel.type or _first(_NAMED, label, in_volts, begins=True) or _first(_LINES, label, in_volts)
        for channel, label, in_volts in zip(channels, labels, is_volt, strict=True)
    ]
    sites = [
        _ELECTRODE.fullmatch(label) if in_volts else None
        for label, in_volts in zip(labels, is_volt, strict=True)
    ]
    # A1 to A32, B1 ... of some caps, grids and needles are other places than those of these systems.
    is_lettered = any(
        re.fullmatch(r"[a-z]\d+", label) and not site and label not in ("e1", "e2")
        for label, site in zip(labels, sites, strict=True)
    )
    least = _LEAST_SITES - 1 if {"EOG", "EMG", "ECG"} & set(found) else _LEAST_SITES
    if "EEG" in found or (_are_electrodes(sites, least) and not is_lettered):
        is_numbered = "e3" in labels
        for number, site in enumerate(sites):
            if found[number] is None and site is not None:
                found[number] = "REF" if re.fullmatch(_REFERENCE, labels[number]) else "EEG"
            elif (
                found[number] is None
                and labels[number] in ("e1", "e2")
                and is_volt[number]
                and not is_numbered
            ):
                found[number] = "EOG"
    if {"EEG", "EOG", "EMG", "ECG"} & set(found):
        found = [
            kind or _first(_OF_A_BODY, label, in_volts)
            for kind, label, in_volts in zip(found, labels, is_volt, strict=True)
        ]
    return found


def types_decision(channels: Sequence[Labelled], unit: str) -> Decision | None:
    """What was guessed, in one line; None where nothing was."""
    guessed = guessed_types(channels, unit)
    new = [kind for kind, channel in zip(guessed, channels, strict=True) if kind and not channel.type]
    if not new:
        return None
    return Decision(
        f"types of channels, from their labels and units: {counted(new)} (`channel_types` says others)",
        is_guess=True,
    )


def counted(types: Iterable[str | None]) -> str:
    """How many channels there are of each type, in words."""
    return ", ".join(f"{count} {kind}" for kind, count in Counter(filter(None, types)).items())


def _first(
    table: Sequence[tuple[str, str, bool | None]], label: str, in_volts: bool, *, begins: bool = False
) -> str | None:
    for kind, pattern, wants_volts in table:
        # A digit, an axis or a blank may follow a word, and no letter: `EEG Cz`, `ECG1`, `ACCX`, but not `accuracy`.
        whole = rf"(?:{pattern})(?:[\s_:.-]*(?:\d.*|[xyz])|[\s_:-]\W*\w.*)?" if begins else pattern
        if re.fullmatch(whole, label) and wants_volts in (None, in_volts):
            return kind
    return None


def _are_electrodes(sites: Sequence[re.Match[str] | None], least: int) -> bool:
    """Whether labels are those of scalp electrodes: `least` of them, or derivations with a midline or a reference."""
    names = {name for site in sites if site is not None for name in site.groups() if name}
    derived = [site.groups() for site in sites if site is not None and site.group(2)]
    is_derived = any(re.fullmatch(rf"\w+z|{_REFERENCE}", name) for pair in derived for name in pair)
    return is_derived or len({name for name in names if re.fullmatch(_SITE, name)}) >= least
