"""A Docker engine for machines that have none: install it, start it on 127.0.0.1, stop only the one we started."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from infra.images.commands import StopBuildError, run, succeeds

# Which Debian package brings which program.
_PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "iptables": "iptables",
    "debootstrap": "debootstrap",
}
_START_S = 60.0
_STOP_S = 30.0
_POLL_S = 0.2
_SAME_START_S = 2.0

Report = Callable[[str], None]


def answers() -> bool:
    """Tell whether a Docker engine answers."""
    return succeeds(["docker", "info"])


def install(report: Report) -> None:
    """Install what is missing of the engine and the image builder (Debian or Ubuntu, as root)."""
    missing = sorted({package for program, package in _PACKAGES.items() if shutil.which(program) is None})
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise StopBuildError(
            f"{', '.join(missing)} must be installed first; as root on Debian this is done for you."
        )
    report(f"Installing {', '.join(missing)}.")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], quiet)


def start(state_dir: Path, report: Report) -> None:
    """Start an engine unless one answers already; write down which process it is."""
    if answers():
        report("A Docker engine answers already.")
        return
    install(report)
    state_dir.mkdir(parents=True, exist_ok=True)
    with _log(state_dir).open("w") as log:
        # Published ports are bound to this machine only.
        engine = subprocess.Popen(
            ["nice", "-n", "5", "dockerd", "--ip", "127.0.0.1"],  # noqa: S607 - wherever the machine has it
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _record(state_dir).write_text(
        json.dumps({"pid": engine.pid, "started": psutil.Process(engine.pid).create_time()})
    )
    _await_answer(engine, state_dir)
    report(f"Docker engine started, process {engine.pid}.")


def stop(state_dir: Path, report: Report) -> None:
    """Stop the engine that `start` started, and no other."""
    engine = _ours(state_dir)
    if engine is None:
        report("No Docker engine of ours is running.")
        return
    engine.terminate()
    _, alive = psutil.wait_procs([engine], _STOP_S)
    if alive:
        raise StopBuildError(f"The Docker engine, process {engine.pid}, did not stop within {_STOP_S:g} s.")
    _record(state_dir).unlink()
    report("Docker engine stopped.")


def _await_answer(engine: subprocess.Popen[bytes], state_dir: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not answers():
        if engine.poll() is not None or time.monotonic() > deadline:
            last = "\n".join(_log(state_dir).read_text().splitlines()[-5:])
            stop(state_dir, lambda _: None)
            raise StopBuildError(f"The Docker engine did not start:\n{last}")
        time.sleep(_POLL_S)


def _ours(state_dir: Path) -> psutil.Process | None:
    try:
        record = json.loads(_record(state_dir).read_text())
        process = psutil.Process(record["pid"])
        same = abs(process.create_time() - record["started"]) < _SAME_START_S
        return process if same and process.name() == "dockerd" else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def _record(state_dir: Path) -> Path:
    return state_dir / "engine.json"


def _log(state_dir: Path) -> Path:
    return state_dir / "engine.log"
