import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.embedded import processes
from infra.embedded.layout import Node, Ports, cluster
from infra.errors import GiveUpStartError

SLEEP = "import time; time.sleep(120)"
STUBBORN = (
    f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').write('1'); {SLEEP}"
)
CHATTY = f"""
import os, signal
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
for _ in range(300):
    try: os.write(1, b'x' * 10000)
    except BrokenPipeError: break
{SLEEP}
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    (node,) = cluster("kafka", 1, Ports(1, 2), tmp_path)
    node.log.parent.mkdir(parents=True)
    yield node
    processes.stop(node, 0.1)


def _run(node: Node, program: str) -> psutil.Process:
    processes.launch(node, [sys.executable, "-c", program, str(node.directory)])
    process = processes.running(node)
    assert process is not None
    return process


def _alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _until_written(path: Path, size: int) -> None:
    while not path.exists() or path.stat().st_size < size:
        time.sleep(0.01)


def test_a_server_is_no_child_of_ours_and_is_found_again(node: Node) -> None:
    process = _run(node, SLEEP)
    assert process.pid not in {child.pid for child in psutil.Process().children(recursive=True)}
    assert os.getsid(process.pid) != os.getsid(0)
    assert processes.running(node) == process


def test_stop_ends_it_and_says_so(node: Node) -> None:
    process = _run(node, SLEEP)
    assert processes.stop(node, 10)
    assert not _alive(process)
    assert not node.process_record.exists()
    assert not processes.stop(node, 10)


def test_a_server_that_does_not_listen_is_killed(node: Node) -> None:
    process = _run(node, STUBBORN)
    _until_written(node.directory / "deaf", 1)
    assert processes.stop(node, 0.3)
    assert not _alive(process)


def test_a_process_id_that_belongs_to_another_by_now_is_left_alone(node: Node) -> None:
    ours = psutil.Process()
    node.process_record.write_text(json.dumps({"pid": ours.pid, "started": ours.create_time()}))
    assert processes.running(node) is None
    assert not processes.stop(node, 10)
    assert ours.is_running()


def test_a_reused_process_id_is_told_apart_by_its_start(node: Node) -> None:
    process = _run(node, SLEEP)
    node.process_record.write_text(json.dumps({"pid": process.pid, "started": process.create_time() - 60}))
    assert processes.running(node) is None
    process.kill()


def test_two_processes_never_work_on_the_same_data(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    process = _run(node, SLEEP)
    processes.forget(node)
    monkeypatch.setattr(processes, "_LOCK_WAIT_S", 0.1)
    with pytest.raises(GiveUpStartError, match="not recorded"):
        processes.launch(node, [sys.executable, "-c", SLEEP])
    process.kill()


def test_what_a_server_prints_is_cut_off(node: Node) -> None:
    process = _run(node, CHATTY)
    _until_written(node.output, 2**20)
    assert node.output.stat().st_size == 2**20
    assert process.is_running()


def test_a_program_that_ends_at_once_counts_as_not_running(node: Node) -> None:
    processes.launch(node, [sys.executable, "-c", "print('no', flush=True)", str(node.directory)])
    while processes.running(node) is not None:
        time.sleep(0.01)
    assert not processes.stop(node, 10)
    _until_written(node.output, 3)


def test_disk_use_counts_blocks_not_holes(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(100 * 2**20)
    assert processes.disk_bytes(tmp_path) < 2**20
