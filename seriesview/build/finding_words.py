"""What was found in a file, in words."""

from __future__ import annotations

from seriesview.build.findings import Finding


def described(finding: Finding) -> str:
    """One line of a finding: why it cannot be shown, else type, size, rate, unit, duration and when it begins."""
    if finding.problem is not None:
        return finding.problem
    parts = [str(finding.type)]
    if finding.type in ("event", "interval"):
        # How many there are is not always known before all samples were read.
        parts += [_count(number, finding.type) for number in finding.shape[:1]]
        parts += [_count(finding.num_channels, "channel")] if finding.type == "event" else []
    else:
        shape = f"{_count(finding.shape[0], 'sample')} x {_count(finding.num_channels, 'channel')}"
        parts += [finding.dtype, shape, _rate(finding)]
        if finding.unit:
            parts.append(finding.unit)
    if finding.duration is not None:
        parts.append(f"{_seconds(finding.duration)} from {finding.start_time:.9g} s on")
    if finding.num_segments is not None and finding.num_segments > 1:
        parts.append(f"{finding.num_segments} segments")
    if finding.session_start is not None:
        parts.append(f"begun at {finding.session_start}")
    return ", ".join(parts)


def _count(number: int | None, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _rate(finding: Finding) -> str:
    if finding.is_irregular:
        return "times of its own"
    if finding.sampling_frequency is None:
        return "rate not known"
    text = f"{finding.sampling_frequency:.9g} Hz"
    deviation = (finding.largest_deviation or 0.0) * finding.sampling_frequency
    # Times in float64 are never exact; a thousandth of a sample is what can be seen at the closest zoom.
    return f"{text} (times within {deviation:.2g} samples)" if deviation > 1e-3 else text


def _seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.6g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours}:{minutes:02}:{rest:02}"
    return f"{seconds:.6g} s ({f'{days} d ' if days else ''}{clock})"
