"""File keys: how kachery clients name a file by hash."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, ValidationInfo

from seriesview.documents.expectations import Integer, expected
from seriesview.node.names import Sha1
from seriesview.node.requests import Body


def _from_start(end_byte: int, info: ValidationInfo) -> int:
    if end_byte < info.data.get("start_byte", 0):
        raise expected("startByte or more")
    return end_byte


class LargerFile(Body):
    """The key of a file, of which only the hash counts."""

    model_config = ConfigDict(extra="ignore")

    sha1: Sha1


class ChunkOf(Body):
    """A piece of a larger file: bytes [start, end)."""

    file_key: LargerFile
    start_byte: Annotated[int, Integer()]
    end_byte: Annotated[int, Integer(), AfterValidator(_from_start)]


class FileKey(Body):
    """A hash, and where else its bytes are: in chunks that a manifest lists, or in a larger file."""

    sha1: Sha1
    manifest_sha1: Sha1 | None = None
    chunk_of: ChunkOf | None = None
