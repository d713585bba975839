"""The maintenance model on NASA's C-MAPSS turbofan engines: `python -m benchmarks.cmapss`.

It is trained as `fastdata models train` would do it, on the engines that ran until they failed. The readings of the
test engines are sent to a Kafka of their own, all engines side by side in the order of event time, and scored by the
real-time query; judged is the score of each engine's last reading. Needs ../shared/data/cmapss; `--set FD003` takes
other files of the same kind.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.streamed import streamed
from infra.embedded.java import java_binary
from ingest.recorded import open_recording
from ingest.replay_items import Selection
from ingest.tokens import KEY_BYTES, Tokenizer
from models.artifact import Artifact
from models.events import Event, Reading
from models.life_evaluation import CLIP_HOURS, Lives, evaluate
from models.maintenance import MAINTENANCE
from processing.history import write_history
from processing.training import train

FOLDER: Final = Path("../shared/data/cmapss")
MAPPING: Final = Path("maps/cmapss.toml")


def main() -> None:
    """Train, score the test engines by the stream and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cmapss", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--set", default="FD001", help="which files: train_SET.parquet and so on")
    asked = parser.parse_args()
    began = time.monotonic()
    artifact = trained(asked.folder / f"train_{asked.set}.parquet")
    _say(f"trained in {time.monotonic() - began:.0f} s")
    readings = recorded(asked.folder / f"test_{asked.set}.parquet")
    began = time.monotonic()
    rows = streamed(artifact, sorted(readings, key=lambda reading: reading.event_time))
    _say(f"{len(rows):,} readings scored in {time.monotonic() - began:.0f} s")
    if len(rows) != len(readings):
        raise SystemExit(f"{len(readings)} readings sent, {len(rows)} scored")
    lives = np.loadtxt(asked.folder / f"RUL_{asked.set}.txt")
    machines = list(dict.fromkeys(reading.key for reading in readings))
    print("\n".join(lines(last_of_each(rows, dict(zip(machines, lives.tolist(), strict=True))))))


def trained(file: Path) -> Artifact:
    """Return the model, trained on engines that ran until they failed."""
    with tempfile.TemporaryDirectory(prefix="fastdata-cmapss-") as folder:
        history = Path(folder) / "history.parquet"
        write_history(recorded(file), Reading, history)
        return train(MAINTENANCE, history, java=java_binary(), memory="2g", report=_say)


def recorded(file: Path) -> list[Event]:
    """Return the readings of a file."""
    recording = open_recording([file], MAPPING)
    return list(recording.events(Tokenizer(bytes(KEY_BYTES)), Selection()))


def last_of_each(rows: pd.DataFrame, left: dict[str, float]) -> Lives:
    """Return what was said at each engine's last reading, beside the hours that it had left."""
    last = rows.sort_values("event_time").groupby("entity").tail(1).set_index("entity").reindex(list(left))
    said = pd.DataFrame(last.outputs.tolist(), index=last.index)
    return Lives(
        machine=last.index.to_numpy(dtype=object),
        life=np.array(list(left.values())),
        estimate=said.estimate.to_numpy(np.float64),
        lower=said.lower.to_numpy(np.float64),
        upper=said.upper.to_numpy(np.float64),
    )


def lines(lives: Lives) -> list[str]:
    """Return the figures, one a line, and what is wanted."""
    found = evaluate(lives)
    assert found.coverage is not None
    return [
        f"{found.machines} engines at their last reading, by the stream",
        f"RMSE                       {found.rmse:8.2f}  (wanted: at most 12.6)",
        f"RMSE, lives clipped at {CLIP_HOURS:g} {found.rmse_clipped:8.2f}  (published: LSTM 16.14, DCNN 12.61, STAR 10.61)",
        f"mean error                 {found.bias:8.2f}",
        f"asymmetric score           {found.score:8.1f}",
        f"within the 90 % interval   {100 * found.coverage:8.1f} %  (wanted: 85 to 95)",
        f"median width               {found.width:8.1f}",
    ]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
