"""What the browser sees of a task: its result as JSON text, arrays decoded as figurl decodes them."""

import base64
import json
import math
import zlib

import numpy as np

from seriesview.errors import TaskError
from seriesview.tasks import run_task
from seriesview.tasks.encoding import result_bytes

DTYPES = ("float32", "float64", "int16", "int32", "uint8", "uint16", "uint32")


def decode(value):
    """JSON with ndarrays, refused where figurl refuses it."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_type") != "ndarray":
        return {key: decode(item) for key, item in value.items()}
    assert value["dtype"] in DTYPES
    assert 1 <= len(value["shape"]) <= 5
    if value.get("data_b64"):
        data = base64.b64decode(value["data_b64"], validate=True)
    elif value.get("data_gzip_b64"):
        data = zlib.decompress(base64.b64decode(value["data_gzip_b64"], validate=True))
    else:
        raise AssertionError("Missing data_b64 or data_gzip_b64")
    dtype = np.dtype(value["dtype"]).newbyteorder("<")
    assert len(data) == math.prod(value["shape"]) * dtype.itemsize
    return np.frombuffer(data, dtype).reshape(value["shape"])


def no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def ask(context, function, **kwargs):
    """A task's result as the browser has it; raises TaskError, whose message is checked."""
    try:
        result = run_task(context, f"seriesview.{function}", kwargs)
    except TaskError as error:
        check_message(str(error), context)
        raise
    text = result_bytes(result).decode("ascii")
    found = json.loads(text, parse_constant=no_constant)
    assert found
    return decode(found)


def check_message(message, context):
    """A message that the daemon takes, and that says nothing of this machine."""
    assert message
    assert "internal error" not in message
    assert "not enough memory" not in message
    assert len(message.encode("utf-16-le")) < 2 * 1000
    assert str(context.store.directory) not in message
    assert "/tmp" not in message
    assert "\n" not in message
