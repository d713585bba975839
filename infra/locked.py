"""The committed lock files: which jar, with which checksum, at which place in a Maven layout."""

import platform
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.bundles import BundleName

LOCKS = Path(__file__).parent / "locks"

_OS_WORDS = ("linux", "osx", "windows")
_OS_OF_SYSTEM = {"Linux": "linux", "Darwin": "osx", "Windows": "windows"}
_ARCH_OF_MACHINE = {"amd64": "x86_64", "arm64": "aarch_64", "aarch64": "aarch_64"}


@dataclass(frozen=True)
class LockedJar:
    """One jar as a lock file names it."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def coordinate(self) -> str:
        """Give the name for messages, group:artifact:version[:classifier]."""
        return ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))

    @property
    def path(self) -> PurePosixPath:
        """Give the place of the file below a Maven repository."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        folder = PurePosixPath(self.group.replace(".", "/")) / self.artifact / self.version
        return folder / f"{self.artifact}-{self.version}{suffix}.jar"


def lock_path(bundle: BundleName, locks: Path = LOCKS) -> Path:
    """Give the lock file of a bundle."""
    return locks / f"{bundle}.toml"


def current_platform() -> tuple[str, str]:
    """Give (operating system, processor) in the words that jar classifiers use."""
    machine = platform.machine().lower()
    return _OS_OF_SYSTEM.get(platform.system(), "linux"), _ARCH_OF_MACHINE.get(machine, machine)


def runs_on(classifier: str, system: str, machine: str) -> bool:
    """Tell whether a jar with this classifier is of use on a platform."""
    if not classifier.startswith(_OS_WORDS):
        return True
    return classifier == f"{system}-{machine}"


def locked_jars(path: Path, system: str, machine: str) -> tuple[LockedJar, ...]:
    """Read a lock file, without the natives of other platforms."""
    entries = tomllib.loads(path.read_text())["dependencies"]
    jars = (
        LockedJar(e["groupId"], e["artifactId"], e["version"], e.get("classifier", ""), e["sha256"])
        for e in entries
    )
    return tuple(jar for jar in jars if runs_on(jar.classifier, system, machine))
