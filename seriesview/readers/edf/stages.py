"""Which annotations tell a stage of sleep."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_NAME = r"(W|WAKE|AWAKE|R|REM|T|N[1-4]?|NREM ?[1-4]?|S[0-4]|[0-5]|\?|M|MT|MOVEMENT( TIME)?|U|UNKNOWN|UNSCORED|NO STAGE)"
# As in the standard texts of EDF+ ("Sleep stage N2"), and as Alice, Compumedics, CAP and NSRR write them.
_NAMED = re.compile(
    rf"(?:SLEEP[ _-]*)?(?:STAGE|SST)[ _:-]*{_NAME}(?:[ _]SLEEP)?(?:\|\d)?|SLEEP[ _:-]+{_NAME}"
)
# Stages by their words alone, where others are told: movement time of Rechtschaffen and Kales, as Sleep-EDF has it.
_BESIDE = frozenset({"MOVEMENT TIME"})
_BARE = re.compile(r"W|WAKE|R|REM|REM SLEEP|N[1-3]|S[1-4]|\?|MT|UNSCORED")


def are_stages(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Of each text whether it tells a stage (n,); names such as N2 alone where all texts are such names."""
    upper = [text.upper().strip() for text in texts]
    told = {text: _NAMED.fullmatch(text) is not None for text in set(upper)}
    if any(told.values()):
        told |= dict.fromkeys(_BESIDE & told.keys(), True)
    elif len(told) > 1 and all(map(_BARE.fullmatch, told)):
        told = dict.fromkeys(told, True)
    return np.fromiter((told[text] for text in upper), np.bool_, len(upper))


def lasting(onsets: npt.NDArray[np.float64], durations: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Durations (n,) of stages in order of time of which none is told: until the next; the last as the median."""
    gaps = np.diff(onsets)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    until_next = np.append(gaps, usual)
    return np.where(durations > 0, durations, until_next)
