"""A wheel installed elsewhere needs nothing of the checkout (decisions G6)."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEW_TASK = (
    "0000005e0000002f000000030000000100000001"
    "0000138bffffffffffffffffffffffff00000000ffffffffffffffffffffffff00000000000000002004383030302a18"
    "00000001757365722e63696d2e61637469766974792e69642b080000000131313738"
)
"""The public trace's message, mr-wire section h."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `ctigw` script of an environment that holds the wheel; libraries come from this environment."""
    folder = tmp_path_factory.mktemp("elsewhere")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment", with_pip=False)
    python = folder / "environment" / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    libraries = subprocess.run(
        [sys.executable, "-c", "import trio, pathlib; print(pathlib.Path(trio.__file__).parents[1])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    (site,) = (folder / "environment" / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(libraries + "\n")
    return folder / "environment" / "bin" / "ctigw"


def run(installed: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(installed), *arguments],
        input=given,
        capture_output=True,
        check=False,
        cwd=installed.parent,
        env=environment,
        timeout=60,
    )


def test_the_installed_package_is_not_the_checkout(installed: Path) -> None:
    where = subprocess.run(
        [str(installed.parent / "python"), "-c", "import ctigw; print(ctigw.__file__)"],
        check=True,
        capture_output=True,
        text=True,
        cwd=installed.parent,
    ).stdout
    assert str(ROOT) not in where


def test_decode_and_encode_give_back_the_bytes_of_the_trace(installed: Path) -> None:
    decoded = run(installed, "decode", "--json", NEW_TASK)
    assert decoded.returncode == 0, decoded.stderr
    assert json.loads(decoded.stdout)["name"] == "NEW_TASK"
    encoded = run(installed, "encode", "--hex", given=decoded.stdout)
    assert encoded.returncode == 0, encoded.stderr
    assert encoded.stdout.decode().strip() == NEW_TASK


def test_serve_starts(installed: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "gateway.toml"
    configuration.write_text('[[listener]]\naddress = "127.0.0.1:0"\ntls = false\n[admin]\naddress = "127.0.0.1:0"\n')
    with subprocess.Popen(
        [str(installed), "serve", "-c", str(configuration)], cwd=installed.parent, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        process.terminate()
        assert "ready" in line
        assert process.wait(timeout=15) == 0
