"""Build the images out of Debian's packages, the wheel's Java and the locked jars."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.embedded.cassandra import MODULE_FLAGS
from infra.embedded.java import java_binary, write_arguments
from infra.images import BASE, CASSANDRA, JRE, KAFKA
from infra.images.commands import run, succeeds
from infra.jars import resolve

_SUITE = "bookworm"
_CONTEXT = Path(__file__).parent / "context"
_UNNEEDED = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/log",
)
# The builder that is part of the engine; the newer one is a plugin that need not be there.
_CLASSIC = {"DOCKER_BUILDKIT": "0"}

Report = Callable[[str], None]


def build(report: Report) -> None:
    """Build base, Java, Kafka and Cassandra images; what has not changed is taken from the engine's cache."""
    with tempfile.TemporaryDirectory(prefix="fastdata-images-") as directory:
        work = Path(directory)
        if succeeds(["docker", "image", "inspect", BASE]):
            report(f"{BASE}: there already")
        else:
            _base(work / "rootfs")
            report(f"{BASE}: built")
        for image, context in ((JRE, _jre), (KAFKA, _kafka), (CASSANDRA, _cassandra)):
            _docker_build(image, context(work))
            report(f"{image}: built")


def _base(root: Path) -> None:
    run(["debootstrap", "--variant=minbase", _SUITE, str(root)])
    for folder in _UNNEEDED:
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).mkdir(parents=True, exist_ok=True)
    archive = root.with_suffix(".tar")
    run(
        [
            "tar",
            "-C",
            str(root),
            "-cf",
            str(archive),
            "--exclude=./proc/*",
            "--exclude=./sys/*",
            "--exclude=./dev/*",
            ".",
        ]
    )
    run(["docker", "import", "-c", "ENV LANG=C.UTF-8", "-c", 'CMD ["bash"]', str(archive), BASE])
    shutil.rmtree(root)
    archive.unlink()


def _docker_build(image: str, context: Path) -> None:
    arguments = ["--build-arg", f"BASE={BASE}", "--build-arg", f"JRE={JRE}"]
    run(["docker", "build", "-q", "-t", image, *arguments, str(context)], _CLASSIC)


def _jre(work: Path) -> Path:
    context = _copied("jre", work)
    runtime = context / "java-runtime"
    # archives of classes may lie in it, which fit no class path of an image
    shutil.copytree(
        java_binary().parent.parent,
        runtime,
        ignore=shutil.ignore_patterns("spark-*", "kafka-*", "cassandra-*"),
    )
    for program in (*(runtime / "bin").iterdir(), runtime / "lib" / "jspawnhelper"):
        program.chmod(0o755)
    return context


def _kafka(work: Path) -> Path:
    return _with_jars(_copied("kafka", work), resolve("kafka"))


def _cassandra(work: Path) -> Path:
    context = _copied("cassandra", work)
    write_arguments(context / "modules.args", MODULE_FLAGS)
    return _with_jars(context, resolve("cassandra"))


def _copied(name: str, work: Path) -> Path:
    return shutil.copytree(_CONTEXT / name, work / name)


def _with_jars(context: Path, jars: Sequence[Path]) -> Path:
    (context / "lib").mkdir()
    for jar in jars:
        shutil.copy2(jar, context / "lib" / jar.name)
    return context
