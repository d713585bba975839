"""Talk to a Maven repository through jgo: resolve a bundle into a lock, download a locked jar."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import requests
from jgo.env import LockFile
from jgo.maven import Dependency, MavenContext
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from infra.bundles import Bundle
from infra.errors import RefuseJarError, RetryLaterError
from infra.locked import LockedJar

_TIMEOUT_S = 60
_ATTEMPTS = 5
_LONGEST_WAIT_S = 8.0


def sha256_of(path: Path) -> str:
    """Compute a file's checksum."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(jar: LockedJar, cache: Path) -> Path:
    """Download a jar, check it against its lock, and only then put it into the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".download-", dir=cache))
    try:
        return _move_if_right(jar, _download_into(staging, jar), cache / jar.path)
    except (requests.RequestException, RuntimeError, OSError) as error:
        raise RetryLaterError(
            f"{jar.coordinate} could not be downloaded ({error}). Check the network and run the command again."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@retry(
    retry=retry_if_exception_type(requests.RequestException),
    stop=stop_after_attempt(_ATTEMPTS),
    wait=wait_random_exponential(max=_LONGEST_WAIT_S),
    reraise=True,
)
def _download_into(staging: Path, jar: LockedJar) -> Path:
    # A folder for each attempt: jgo takes what an earlier one left half written for whole.
    context = MavenContext(repo_cache=Path(tempfile.mkdtemp(dir=staging)), timeout=_TIMEOUT_S)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(component.artifact(jar.classifier, "jar").resolve())


def _move_if_right(jar: LockedJar, downloaded: Path, target: Path) -> Path:
    actual = sha256_of(downloaded)
    if actual != jar.sha256:
        raise RefuseJarError(
            f"{jar.coordinate} as downloaded has checksum {actual}, the lock says {jar.sha256}. "
            "It was not kept. Either the repository serves another file or the lock was changed by hand: "
            "compare infra/locks with version control."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    return downloaded.replace(target)


def lock(bundle: Bundle, path: Path) -> int:
    """Resolve a bundle's versions and write its lock file; give the number of jars."""
    with tempfile.TemporaryDirectory(prefix="fastdata-lock-") as staging:
        jars = _resolved(bundle, MavenContext(repo_cache=Path(staging), timeout=_TIMEOUT_S))
        LockFile.from_resolved_dependencies(jars).save(path)
    return len(jars)


def _resolved(bundle: Bundle, context: MavenContext) -> list[Dependency]:
    # "!" keeps a root from being read as a bill of materials, which would change the others' versions.
    roots = [context.create_dependency(f"{root}!") for root in bundle.roots]
    inputs, transitive = context.resolver.resolve(roots)
    jars = [dep for dep in [*inputs, *transitive] if bundle.only is None or dep.artifactId in bundle.only]
    return sorted(jars, key=lambda dep: (dep.groupId, dep.artifactId, dep.classifier))
