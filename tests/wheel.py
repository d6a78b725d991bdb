"""Build the wheel, install it in a clean environment, and use it once: what is packed is what works."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from zipfile import ZipFile

from tests.conftest import ROOT

TYPED = {f"{package}/py.typed" for package in ("simplugin", "simplugin_qdrant", "simplugin_langchain")}


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT))
        (wheel,) = folder.glob("*.whl")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
        missing = TYPED - set(ZipFile(wheel).namelist())
        if missing:
            sys.exit(f"The wheel lacks {', '.join(sorted(missing))}.")
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / "bin" / "python"
        run(str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel))
        simplugin = str(folder / "venv" / "bin" / "simplugin")
        run(simplugin, "demo", cwd=folder)
        run(simplugin, "models", "check", "starter", cwd=folder)
        code = "import simplugin, simplugin_qdrant, simplugin_langchain; print(simplugin.__file__)"
        run(str(python), "-c", code, cwd=folder)


def run(*command: str, cwd: Path = ROOT) -> None:
    subprocess.run(command, check=True, cwd=cwd)


if __name__ == "__main__":
    main()
