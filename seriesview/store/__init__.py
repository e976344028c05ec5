"""kachery storage: artifacts put and got by hash, atomically; embedded, beside a running daemon, or in a bucket."""

from seriesview.store.opening import open_store
from seriesview.store.record import RecordedArtifact, RecordedWorkspace
from seriesview.store.store import Store
from seriesview.store.uris import parse_uri, sha1_uri

__all__ = ["RecordedArtifact", "RecordedWorkspace", "Store", "open_store", "parse_uri", "sha1_uri"]
