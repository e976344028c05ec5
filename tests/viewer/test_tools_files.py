"""Files that the viewer exports, read by the programs that they are for."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
from waiting import MOST_SECONDS

ROOT = Path(__file__).parents[2]
EXPORTING = ROOT / "seriesview" / "viewer" / "app" / "tools" / "exporting.js"
PROGRAM = """
import {{ csvPieces, npyFile }} from '{module}';
const values = Float64Array.from({{ length: 1234 * 7 }}, (_, at) => Math.sin(at) / 3);
values.set([NaN, -Infinity, Infinity], 3);
const samples = {{
  values,
  times: Float64Array.from({{ length: 1234 }}, (_, at) => 12 + at / 30000),
  channels: Array.from({{ length: 7 }}, (_, at) => ({{ id: String(at), label: `c${{at}}, "x"`, unit: 'uV' }})),
}};
process.stdout.write(process.argv[1] === 'npy' ? npyFile(samples) : [...csvPieces(samples, '')].join(''));
"""


def exported(kind: str) -> bytes:
    node = shutil.which("node")
    assert node, "node is missing: tests/install-programs installs it"
    program = PROGRAM.format(module=EXPORTING.as_uri())
    command = [node, "--input-type=module", "-e", program, kind]
    return subprocess.run(command, capture_output=True, check=True, timeout=MOST_SECONDS).stdout


def expected() -> np.ndarray:
    values = np.sin(np.arange(1234 * 7)) / 3
    values[3:6] = np.nan, -np.inf, np.inf
    times = 12 + np.arange(1234) / 30000
    return np.column_stack([times, values.reshape(1234, 7)])


def test_numpy_loads_the_array() -> None:
    array = np.load(io.BytesIO(exported("npy")), allow_pickle=False)
    assert array.dtype == "<f8"
    assert array.shape == (1234, 8)
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array[:, 0], expected()[:, 0])
    np.testing.assert_allclose(array, expected(), rtol=1e-12)


def test_the_csv_holds_the_same_numbers() -> None:
    text = exported("csv").decode()
    assert text.splitlines()[0].startswith('time [s],"c0, ""x"" [uV]",')
    array = np.loadtxt(io.StringIO(text), delimiter=",", skiprows=1)
    np.testing.assert_array_equal(array, np.load(io.BytesIO(exported("npy"))))
