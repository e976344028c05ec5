"""A reader of series and workspaces, written from docs/format.md alone: the standard library and numpy."""

import hashlib
import json
import math
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np

SERIES, WORKSPACE = "seriesview-series/1", "seriesview-workspace/1"
FILTERS = ([], ["shuffle"], ["deflate"], ["shuffle", "deflate"])


class Storage:
    """Artifacts in a storage directory (section 1) and arrays of them (section 2)."""

    def __init__(self, directory):
        self.directory = Path(directory)

    def path(self, uri):
        """Where the bytes are: stored, or in the file that a valid link names."""
        assert uri.startswith("sha1://")
        sha1 = uri[7:47]
        stored = self.directory / "sha1" / sha1[0:2] / sha1[2:4] / sha1[4:6] / sha1
        if stored.exists():
            return stored
        link = json.loads(Path(f"{stored}.link").read_text())
        status = Path(link["path"]).stat()
        assert (status.st_size, status.st_mtime) == (link["stat"]["size"], link["stat"]["mtime"])
        return Path(link["path"])

    def read(self, uri):
        """An artifact, whole; of chunks where there is no whole."""
        try:
            data = self.path(uri).read_bytes()
        except FileNotFoundError:
            if "?manifest=" not in uri:
                raise
            manifest = json.loads(self.read(f"sha1://{uri.partition('?manifest=')[2]}/manifest.json"))
            assert manifest["sha1"] == uri[7:47]
            data = b""
            for chunk in manifest["chunks"]:
                assert chunk["start"] == len(data)
                data += self.read(f"sha1://{chunk['sha1']}/chunk")
                assert chunk["end"] == len(data)
            assert len(data) == manifest["size"]
        assert hashlib.sha1(data).hexdigest() == uri[7:47]
        return data

    def array(self, info):
        """A whole array."""
        assert info.get("kind") in (None, "means"), "this reader is too old"
        dtype = little(info["dtype"])
        rows, row_shape = info["shape"][0], info["shape"][1:]
        num_parts = math.ceil(rows / info["part_rows"])
        num_packs = math.ceil(num_parts / info["pack_parts"])
        assert len(info["pages"]) == math.ceil(num_packs / 256)
        pages = [self.read(page) for page in info["pages"]]
        assert sum(map(len, pages)) == 20 * (num_packs + num_parts)
        pieces, ends, begin = [], {}, 0
        for part in range(num_parts):
            pack, place = divmod(part, info["pack_parts"])
            page, at = pages[pack // 256], pack % 256 * 20 * (1 + info["pack_parts"])
            if not place:
                begin = 0
                has_parts = any(page[at + 20 : at + 20 * (1 + info["pack_parts"])])
                assert has_parts == any(page[at : at + 20])
            pack_digest, digest = page[at : at + 20], page[at + 20 * (1 + place) : at + 20 * (2 + place)]
            first, last = part * info["part_rows"], min((part + 1) * info["part_rows"], rows)
            size = (last - first) * math.prod(row_shape) * dtype.itemsize
            is_there = not any(a < last and first < b for a, b in info.get("left_out", []))
            assert is_there == (digest != bytes(20))
            # What was left out stands here as zeros, and is asked for nowhere.
            piece = bytes(size)
            if is_there:
                piece = self.stretch(f"sha1://{pack_digest.hex()}/pack", begin, begin + size)
                assert hashlib.sha1(piece).digest() == digest
                begin += size
                ends[pack_digest] = begin
            pieces.append(piece)
        for pack_digest, end in ends.items():
            assert len(self.read(f"sha1://{pack_digest.hex()}/pack")) == end
        return np.frombuffer(b"".join(pieces), dtype).reshape(rows, *row_shape)

    def stretch(self, uri, begin, end):
        """The bytes [begin, end) of an artifact."""
        with self.path(uri).open("rb") as file:
            file.seek(begin)
            return file.read(end - begin)


def little(name):
    return np.dtype(name).newbyteorder("<")


class SecondReader:
    """A series (sections 3 to 11); everything is read whole."""

    def __init__(self, directory, uri):
        self.storage = Storage(directory)
        self.manifest = manifest = json.loads(self.storage.read(uri))
        assert manifest.get("format", SERIES) == SERIES, "this reader is too old"
        self.segments = manifest["segments"]
        self.lengths = [segment["num_samples"] for segment in self.segments]
        self.channels = manifest.get("channels", [{"id": "0"}])
        own = [s["values_dtype"] for s in self.segments if s.get("values_dtype") is not None]
        self.dtype = little(manifest.get("dtype", own[0] if own else "float64"))
        self.rate = manifest.get("sampling_frequency")
        self.notes = manifest.get("notes", [])
        # Of a derived series: where it is from, by which steps, and who took no part in references.
        self.source = (manifest.get("from") or {}).get("uri")
        self.steps = manifest.get("steps", [])
        self.left_out_channels = manifest.get("left_out_channels", [])
        whole = manifest.get("missing") or {}
        self.missing = [
            whole if channel.get("missing") is None else channel["missing"] for channel in self.channels
        ]
        self.factors = sorted(level["factor"] for level in manifest.get("levels", []))
        self._kept = {}

    def split(self, info, rows_of):
        """An array cut at its segments, which have rows_of(n) rows each."""
        array = self.storage.array(info)
        edges = np.cumsum([0, *map(rows_of, self.lengths)])
        assert edges[-1] == len(array)
        return [array[a:b] for a, b in pairwise(edges)]

    def samples(self):
        """Raw samples (n, C) of each segment, or None."""
        values = self.manifest.get("values")
        if values is not None and "pages" in values:
            return self.split(values, lambda n: n)
        if values is not None and "compute" in values:
            # This reader knows no filters: without them there are levels alone.
            return None
        if values is not None:
            pieces = values["files"] if "files" in values else [{"num_samples": sum(self.lengths), **values}]
            rows = np.concatenate([self.link(piece["link"], piece["num_samples"]) for piece in pieces])
            assert len(rows) == sum(self.lengths)
            return [rows[a:b] for a, b in pairwise(np.cumsum([0, *self.lengths]))]
        if self.segments and self.segments[0].get("values_uri") is not None:
            return [
                np.frombuffer(self.storage.read(s["values_uri"]), little(s["values_dtype"])).reshape(
                    s["num_samples"], len(self.channels)
                )
                for s in self.segments
            ]
        return None

    def has_samples(self, segment, p, q):
        """Whether this copy has the raw samples [p, q] of a segment (sections 2 and 15)."""
        values = self.manifest.get("values") or {}
        before = sum(self.lengths[:segment])
        return not any(a <= before + q and before + p < b for a, b in values.get("left_out", []))

    def link(self, link, num_samples):
        """Samples (num_samples, C) out of the file that they came from (section 4)."""
        data = self.storage.path(link["uri"]).read_bytes()
        dtype = self.dtype.newbyteorder({"little": "<", "big": ">"}[link.get("byte_order", "little")])
        shape = (num_samples, len(self.channels))
        if link.get("records") is not None:
            stride, samples = link["records"]["stride"], link["records"]["samples"]
            offsets = link["records"]["channel_offsets"]
            assert len(offsets) == len(self.channels)
            rows = np.arange(num_samples)
            begins = link["offset"] + rows // samples * stride + rows % samples * dtype.itemsize
            places = begins[:, np.newaxis] + np.array(offsets)
            stored = np.frombuffer(data, np.uint8)[places[..., np.newaxis] + np.arange(dtype.itemsize)]
            return stored.view(dtype)[..., 0]
        if link.get("chunk_shape") is None:
            strides = (link["row_stride"], link.get("channel_stride", dtype.itemsize))
            return np.ndarray(shape, dtype, data, link["offset"], strides)
        assert link["filters"] in FILTERS
        height, width = link["chunk_shape"]
        across = math.ceil(shape[1] / width)
        whole = np.empty((math.ceil(shape[0] / height) * height, across * width), dtype)
        for number, (offset, size) in enumerate(self.storage.array(link["chunks"])):
            row, column = number // across * height, number % across * width
            # Python reads "NaN", "Infinity" and "-Infinity" as they are.
            chunk = float(link.get("fill_value", 0))
            if size:
                stored = data[offset : offset + size]
                for name in reversed(link["filters"]):
                    if name == "deflate":
                        stored = zlib.decompress(stored)
                    else:
                        stored = np.frombuffer(stored, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
                chunk = np.frombuffer(stored, dtype).reshape(height, width)
            whole[row : row + height, column : column + width] = chunk
        return whole[: shape[0], : shape[1]]

    def times(self):
        """Times (n,) of each segment's samples (section 5)."""
        if self.segments and self.segments[0].get("timestamps_uri") is not None:
            return [
                np.frombuffer(self.storage.read(s["timestamps_uri"]), little(s["timestamps_dtype"]))
                for s in self.segments
            ]
        if self.manifest.get("timestamps") is not None:
            return self.split(self.manifest["timestamps"], lambda n: n)
        return [s["start_time"] + np.arange(s["num_samples"]) / self.rate for s in self.segments]

    def level(self, factor, key=None):
        """Envelope (bins, 2, C) of each segment, or the bins' `times` (section 6)."""
        info = next(level for level in self.manifest["levels"] if level["factor"] == factor)
        if (factor, key) not in self._kept:
            info = info if key is None else info[key]
            bins = self.split(info, lambda n: max(1, math.ceil((n - 1) / factor)) if n else 0)
            self._kept[factor, key] = bins
        return self._kept[factor, key]

    def moments(self, factor):
        """Moments (bins, 3, C) of each segment (section 9)."""
        info = next(entry for entry in self.manifest["moments"] if entry["factor"] == factor)
        return self.split(info, lambda n: math.ceil(n / factor))

    def columns(self, segment, a, samples_per_column):
        """Columns (columns, 2, C) from sample a to the segment's end (section 7)."""
        last = self.lengths[segment] - 1
        count = max(1, math.ceil((last - a) / samples_per_column))
        edges = [min(a + i * samples_per_column, last) for i in range(count + 1)]
        if self.has_means:
            return np.stack([[mean, mean] for mean in self.means(segment, edges)])
        return np.stack([self.interval(segment, p, q) for p, q in pairwise(edges)])

    @property
    def has_means(self):
        """Whether levels are means (section 6)."""
        arrays = [*self.manifest.get("levels", []), self.manifest.get("values") or {}]
        return any(array.get("kind") == "means" for array in arrays)

    def means(self, segment, edges):
        """Means (C,) between edges (section 7), from the coarsest level that has them."""
        last = self.lengths[segment] - 1
        fitting = [k for k in self.factors if not any(e % k for e in edges if e < last)]
        if not fitting or edges[0] == last > 0:
            samples = self.samples()[segment].astype(np.float64)
            bins, edges = np.stack([np.nan_to_num(samples), ~np.isnan(samples)], axis=1), edges
        else:
            k = max(fitting)
            bins = self.level(k)[segment].astype(np.float64)
            edges = [min(math.ceil(e / k), len(bins)) for e in edges]
        found = []
        for first, end in pairwise(edges):
            of = bins[first : max(end, first + 1)]
            number = of[:, 1].sum(axis=0)
            total = np.where(of[:, 1] > 0, of[:, 0] * of[:, 1], 0).sum(axis=0)
            found.append(np.divide(total, number, out=np.full(len(number), np.nan), where=number > 0))
        return found

    def interval(self, segment, p, q, finer_than=math.inf):
        """Hull (2, C) of the closed interval of samples [p, q]."""
        last = self.lengths[segment] - 1
        for k in sorted((k for k in self.factors if k < finer_than), reverse=True):
            bins = self.level(k)[segment]
            low, high = math.ceil(p / k), len(bins) if q == last else q // k
            if low < high:
                pieces = [self.hull(bins[low:high])]
                if p < low * k:
                    pieces.append(self.interval(segment, p, low * k, k))
                r = min(high * k, last)
                if r < q:
                    pieces.append(self.interval(segment, r, q, k))
                return self.hull(np.stack(pieces))
        if "samples" not in self._kept:
            self._kept["samples"] = self.samples()
        if self._kept["samples"] is None or not self.has_samples(segment, p, q):
            raise LookupError(f"samples {p} to {q} are not in this copy")
        samples = self._kept["samples"][segment][p : q + 1]
        return self.hull(np.stack([samples, samples], axis=1))

    def is_missing(self, value, channel):
        """Whether a stored number of a channel stands for no value (section 3)."""
        missing = self.missing[channel]
        below, above = missing.get("below"), missing.get("above")
        return (
            value != value
            # Python reads "Infinity" and "-Infinity" as they are.
            or any(value == (float(v) if isinstance(v, str) else v) for v in missing.get("values", []))
            or (below is not None and value < below)
            or (above is not None and value > above)
        )

    def fill(self, channel):
        """What a channel's bins with nothing in them hold."""
        missing = self.missing[channel]
        if self.dtype.kind == "f":
            return math.nan
        if missing.get("values"):
            return missing["values"][0]
        has_below, has_above = missing.get("below") is not None, missing.get("above") is not None
        limits = np.iinfo(self.dtype)
        return limits.max if has_above and not has_below else limits.min

    def hull(self, bins):
        """(2, C) of bins (n, 2, C)."""
        if not any(self.missing):
            return hull(bins)
        found = np.empty(bins.shape[1:], self.dtype)
        for channel in range(bins.shape[2]):
            ends = []
            for side, best in enumerate((min, max)):
                there = [v for v in bins[:, side, channel].tolist() if not self.is_missing(v, channel)]
                ends.append(best(there) + 0 if there else self.fill(channel))
            found[:, channel] = ends
        return found

    def typical(self, channel):
        """What `typical` of a channel must be (section 3), or None."""
        values = self._looked_at(channel)
        if not values:
            return None
        return [values[(q * (len(values) - 1) + 50) // 100] + 0 for q in (1, 50, 99)]

    def _looked_at(self, channel):
        rows = np.concatenate(self.samples())
        total = len(rows)
        count = min(total, 65536, max(1024, 8388608 // len(self.channels)))
        edges = [i * total // count for i in range(count + 1)]
        numbers = [
            first + (i * 40503 % 65536) * (last - first) // 65536
            for i, (first, last) in enumerate(pairwise(edges))
        ]
        values = rows[numbers, channel].tolist()
        return sorted(v for v in values if math.isfinite(v) and not self.is_missing(v, channel))

    def clipped(self, channel):
        """What `clipped` of a channel must be (section 3), or None."""
        limits = self.channels[channel].get("limits")
        values = [] if limits is None else self._looked_at(channel)
        return sum(v <= limits[0] or v >= limits[1] for v in values) / len(values) if values else None

    def columns_of_time(self, t0, t1, count, with_samples=True):
        """Hulls of the samples in columns of time: a list of (2, C), None for those without samples."""
        columns = []
        for e, f in pairwise(time_edges(t0, t1, count)):
            pieces = []
            for segment, times in enumerate(self.times()):
                p = int(np.searchsorted(times, e, "left"))
                q = int(np.searchsorted(times, f, "right")) - 1
                if p > q:
                    continue
                if with_samples:
                    pieces.append(self.interval(segment, p, q))
                else:
                    k = self.factors[0]
                    bins = self.level(k)[segment]
                    first = min(p // k, len(bins) - 1)
                    pieces.append(self.hull(bins[first : max(first + 1, math.ceil(q / k))]))
            columns.append(self.hull(np.stack(pieces)) if pieces else None)
        return columns

    def zooms(self, segment):
        """Numbers of samples a column (section 8)."""
        n, factors = self.lengths[segment], self.factors
        steps = [step << shift for shift in range(60) for step in (4, 5, 6, 7)]
        has_samples = self.manifest.get("values") is not None or "values_uri" in self.segments[segment]
        if has_samples:
            found = [1, 2, 3, *(s for s in steps if not factors or s < 4 * factors[0])]
        else:
            found = [factors[0] * multiple for multiple in (1, 2, 3)] if factors else []
        for factor, following in pairwise([*factors, math.inf]):
            found += [factor * step for step in steps if factor * step < 4 * following]
        return [zoom for zoom in found if zoom < n] + [zoom for zoom in found if zoom >= n][:1]

    def events(self):
        """Times and channel indices (section 10)."""
        return [self.storage.array(self.manifest["events"][key]) for key in ("times", "channels")]

    def traces_of_events(self, samples):
        """For each channel of events the index of the channel of other samples on which it is, or None (section 10)."""
        found = []
        for channel in self.channels:
            name = channel.get("best_channel")
            ids = [each["id"] for each in samples.channels]
            labels = [each.get("label", each["id"]) for each in samples.channels]
            places = [names.index(name) for names in (ids, labels) if name is not None and name in names]
            found.append(places[0] if places else None)
        return found

    def intervals(self):
        """Starts and ends (n, 2) and labels (section 11)."""
        info = self.manifest["intervals"]
        indices = self.storage.array(info["label_indices"])
        return self.storage.array(info["times"]), [info["labels"][index] for index in indices]


def time_edges(t0, t1, count):
    return [*(t0 + (t1 - t0) * (i / count) for i in range(count)), t1]


def hull(bins):
    """(2, C) of bins (n, 2, C)."""
    if bins.dtype.kind == "f":
        return np.stack([np.fmin.reduce(bins[:, 0]), np.fmax.reduce(bins[:, 1])]) + 0
    return np.stack([bins[:, 0].min(axis=0), bins[:, 1].max(axis=0)])


def between_samples(x, k):
    """Columns [lowest, highest], k a sample, of one channel's samples (a list of numbers)."""
    columns = []
    for a, b in pairwise(map(float, x)):
        points = [a, *(a + (b - a) * (j / k) for j in range(1, k)), b]
        for pair in pairwise(points):
            there = [value + 0.0 for value in pair if value == value]
            columns.append([min(there), max(there)] if there else [math.nan, math.nan])
    return columns


def fold(values):
    """The sum of P values (a power of two) in the order that the page gives."""
    stripes = min(16, len(values))
    h = len(values) // stripes
    sums = values[:h]
    for stripe in range(1, stripes):
        sums = [sums[i] + values[i + stripe * h] for i in range(h)]
    values = sums
    while len(values) > 1:
        half = len(values) // 2
        values = [values[i] + values[i + half] for i in range(half)]
    return values[0]


def float_moments(samples, factor):
    """(count, mean, M2) of one bin of one channel, by the format's arithmetic."""
    padded = 1 << (factor - 1).bit_length()
    values = [float(v) if math.isfinite(v) else None for v in samples] + [None] * (padded - len(samples))
    count = float(sum(v is not None for v in values))
    if not count:
        return (0.0, 0.0, 0.0)
    mean = fold([0.0 if v is None else v for v in values]) / count + 0.0
    return (count, mean, fold([0.0 if v is None else (v - mean) * (v - mean) for v in values]))


def combine(a, b):
    """Float moments of two neighbours."""
    if b[0] == 0 or a[0] == 0:
        return a if b[0] == 0 else b
    n, d = a[0] + b[0], b[1] - a[1]
    w = b[0] / n
    return (n, a[1] + d * w, (a[2] + b[2]) + (d * d) * (a[0] * w))


def combine_row(bins):
    """Float moments of a row of bins."""
    while len(bins) > 1:
        pairs = [combine(a, b) for a, b in zip(bins[0::2], bins[1::2], strict=False)]
        bins = pairs + ([bins[-1]] if len(bins) % 2 else [])
    return bins[0]


def integer_statistics(count, total, squares):
    """Mean, RMS and standard deviation of int64 moments."""
    variance = (count * squares - total * total) / count**2
    return total / count, math.sqrt(squares / count), math.sqrt(variance)


def float_statistics(count, mean, m2):
    """Mean, RMS and standard deviation of float moments."""
    return mean, math.sqrt(mean * mean + m2 / count), math.sqrt(m2 / count)


class SecondWorkspace:
    """A workspace (section 12)."""

    def __init__(self, directory, uri):
        manifest = json.loads(Storage(directory).read(uri))
        assert manifest["format"] == WORKSPACE, "this reader is too old"
        self.label = manifest["label"]
        self.series = {entry["name"]: SecondReader(directory, entry["uri"]) for entry in manifest["series"]}
        self.missing = {entry["name"]: entry["error"] for entry in manifest.get("missing", [])}
        self.panels = [
            (view["label"], panel["type"], panel["label"], panel["data"])
            for view in manifest["views"]
            for panel in view["panels"]
        ]
        self.pages = {view["label"]: view.get("page") for view in manifest["views"]}
        self.times = {view["label"]: view.get("times", "clock") for view in manifest["views"]}
        assert set(self.times.values()) <= {"seconds", "clock", "wall"}
        assert all(page is None or page > 0 for page in self.pages.values())
        names = {*self.series, *self.missing}
        assert len(names) == len(self.series) + len(self.missing)
        assert all(data["series"] in names for _, _, _, data in self.panels)
        assert all(set(data.get("over", [])) <= names for _, _, _, data in self.panels)
