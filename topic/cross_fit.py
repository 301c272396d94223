"""Stage: train the whole recipe once for each fold, without that fold, and score the fold.

The stage writes the logits by id. It is frozen in topic/dvc.yaml, because a fold takes about an
hour of one core. Its result is in Git. To run it, after `dvc repro --all-pipelines`:

    python -m topic.cross_fit [FOLD ...]
    dvc commit --force topic/dvc.yaml:cross_fit

Without a FOLD, the command trains all folds, two at a time. A fold that is named replaces only
its own rows of topic/out_of_fold.csv.

A fold is a share of the competition's texts (topic/folds.csv) and some events
(topic/params.yaml). The model of a fold is trained by the same stages as the model that ships,
in the folder data/folds/FOLD.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import yaml

from disaster_tweets.runtime import KINDS
from pipeline.exported import Exported
from pipeline.project import PREPARED, PipelineError, params, run_stage, write_text
from pipeline.splits import read_split
from topic.project import OUT_OF_FOLD, TWEETS
from topic.project import params as topic_params
from topic.sources import measured, write_sources

FOLDERS = Path("data/folds")
LEFT_OUT = Path("data/left_out.csv")  # in the folder of a fold: its texts, and their logits

_AT_ONCE = 2  # folds; the training of a fold keeps one core busy
_READ = (
    "constraints.txt",
    "topic",
    "data/raw",
    "data/backbone",
    *map(str, TWEETS),
)
_STAGES = ("pipeline.assistant", "pipeline.student", "pipeline.export")


def train_and_score(fold: int, texts: pd.DataFrame) -> pd.DataFrame:
    """Train without a fold; return ``source``, ``id``, ``fold`` and the logit of each kind.

    Args:
        fold: The number of the fold.
        texts: As `sources.measured` returns them.

    Raises:
        PipelineError: A stage failed. Its output is in the file log.txt of data/folds/FOLD.
    """
    folder = FOLDERS / str(fold)
    shutil.rmtree(folder, ignore_errors=True)
    for path in _READ:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(Path(path).resolve())
    settings = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    settings["export"]["parity"] = {kind: {} for kind in KINDS}  # these models never ship
    write_text(folder / "params.yaml", yaml.safe_dump(settings, sort_keys=False))
    left_out = texts[texts["fold"] == fold]
    of_fold = read_split("train")["id"].isin(left_out.loc[left_out["source"] == "", "id"])
    _write(read_split("train")[~of_fold], folder / PREPARED / "train.csv")
    _write(read_split("train")[of_fold], folder / PREPARED / "calibration.csv")
    _write(left_out[["source", "id", "fold", "text"]], folder / LEFT_OUT)
    for stage in (f"topic.cross_fit --sources {fold}", *_STAGES, "topic.cross_fit --score"):
        _run(folder, *stage.split())
    return _read(folder / LEFT_OUT).drop(columns="text")


def _run(folder: Path, *command: str) -> None:
    """Run a module in a folder, with the source code of the current folder."""
    paths = (str(Path.cwd()), str(Path("src").resolve()), os.environ.get("PYTHONPATH", ""))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    log = folder / "log.txt"
    with log.open("a", encoding="utf-8") as output:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise PipelineError(f"{log}: {command[0]} failed; the end of the file says why")


def score() -> None:
    """Add the logits of each kind of model to the texts of the fold that was left out."""
    texts = _read(LEFT_OUT)
    for kind in KINDS:
        logits = Exported(kind, params("model")["max_tokens"]).logits(list(texts["text"]))
        texts[kind] = (logits[:, 1] - logits[:, 0]).round(3)
    _write(texts, LEFT_OUT)


def _read(path: Path) -> pd.DataFrame:
    types = {"source": str, "id": str, "text": str}
    return pd.read_csv(path, dtype=types, keep_default_na=False, lineterminator="\n")


def _write(table: pd.DataFrame, path: Path) -> None:
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def main() -> None:
    settings = topic_params("sources")
    if sys.argv[1:2] == ["--sources"]:
        return write_sources(int(sys.argv[2]), settings)
    if sys.argv[1:] == ["--score"]:
        return score()
    folds = [int(fold) for fold in sys.argv[1:]] or list(range(len(settings["events"])))
    texts = measured(settings)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tables = list(pool.map(lambda fold: train_and_score(fold, texts), folds))
    if OUT_OF_FOLD.exists():
        before = _read(OUT_OF_FOLD)
        tables.append(before[~before["fold"].isin(folds)])
    table = pd.concat(tables).sort_values(["source", "fold", "id"], kind="stable")
    _write(table, OUT_OF_FOLD)
    print(f"{OUT_OF_FOLD}: {len(table)} texts of the folds {sorted(set(table['fold']))}")


if __name__ == "__main__":
    run_stage(main)
