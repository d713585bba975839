"""Releases are installed beside each other by their own Makefile; whichever is called, the one that serves goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import RefuseUsageError, StopProcessError
from pipeline.releases import environments, redirect
from pipeline.releases import standing as files
from pipeline.releases.standing import Release, Standing

MAKEFILE = """
.venv/.runtime:
\tmkdir -p .venv/bin
\tprintf '#!/bin/sh\\necho went on with "$$@"\\n' > .venv/bin/python3
\tchmod +x .venv/bin/python3
\ttouch $@
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources-2"
    folder.mkdir()
    (folder / "Makefile").write_text(MAKEFILE)
    return folder


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607 - the tester's own git


def test_a_folder_is_installed_once_and_found_by_name_or_path(tmp_path: Path, sources: Path) -> None:
    state, told = tmp_path / "state", list[str]()
    assert environments.install(state, str(sources), told.append) == "sources-2"
    assert len(told) == 2
    assert environments.install(state, str(sources), told.append) == "sources-2"
    assert len(told) == 2
    installed = state / "releases" / "sources-2"
    assert environments.installed(state) == ["sources-2"]
    for target in ("sources-2", str(installed), str(installed / ".venv")):
        assert environments.find(state, target) == installed / ".venv"
    with pytest.raises(RefuseUsageError, match=r"installed: sources-2"):
        environments.find(state, "other")


def test_a_git_reference_is_installed_as_it_was_committed(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(sources, "init")
    git(sources, "add", "Makefile")
    git(sources, "commit", "--message", "first")
    git(sources, "tag", "v1")
    (sources / "Makefile").write_text("broken")
    monkeypatch.chdir(sources)
    assert environments.install(tmp_path / "state", "v1", lambda _: None) == "v1"
    with pytest.raises(RefuseUsageError, match="neither a folder with a Makefile nor a reference"):
        environments.install(tmp_path / "state", "v2", lambda _: None)


def test_an_installation_that_fails_is_told_and_tried_again(tmp_path: Path, sources: Path) -> None:
    (sources / "Makefile").write_text(
        ".venv/.runtime:\n\ttest -e $(CURDIR)/../../../there\n" + MAKEFILE.split("\n", 2)[2]
    )
    state = tmp_path / "state"
    with pytest.raises(StopProcessError, match="failed in"):
        environments.install(state, str(sources), lambda _: None)
    assert environments.installed(state) == []
    (tmp_path / "there").touch()
    environments.install(state, str(sources), lambda _: None)
    assert environments.installed(state) == ["sources-2"]


def test_the_release_that_serves_goes_on_with_the_command(tmp_path: Path, sources: Path) -> None:
    environments.install(tmp_path, str(sources), lambda _: None)
    serves = Release(str(tmp_path / "releases" / "sources-2" / ".venv"), "2", "bbb")
    files.write_standing(tmp_path, Standing(current=serves), 1)
    program = (
        "import sys; from pathlib import Path; from pipeline.releases import redirect; "
        "redirect.follow(Path(sys.argv[1])); print('stayed')"
    )
    called = [sys.executable, "-c", program, str(tmp_path), "verify"]
    gone = subprocess.run(called, capture_output=True, text=True, check=True)
    assert gone.stdout.startswith("went on with -P -c")
    assert gone.stdout.endswith(f"{tmp_path} verify\n")
    assert "release 2 (bbb) serves here" in gone.stderr
    files.write_standing(tmp_path, Standing(current=Release(sys.prefix, "1", "aaa")), 1)
    assert subprocess.run(called, capture_output=True, text=True, check=True).stdout == "stayed\n"


def test_a_release_that_is_gone_is_named(tmp_path: Path) -> None:
    files.write_standing(tmp_path, Standing(current=Release("/no/such", "2", "bbb")), 1)
    with pytest.raises(RefuseUsageError, match="is gone"):
        redirect.follow(tmp_path)
