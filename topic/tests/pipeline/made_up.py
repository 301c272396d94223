"""Made-up data for the stages of this topic, in the places of the real ones."""

from __future__ import annotations

from pathlib import Path

from tests.pipeline.conftest import WORDS, Project, Texts, write_csv, write_labelled
from tests.tiny import checksums

PARAMS = "topic/params.yaml"
TEXTS_OF_AN_EVENT = 42


def fill(project: Project, texts: Texts) -> None:
    """Put made-up data into the mirror of a project, and soft labels into its Git.

    Args:
        project: A new project.
        texts: Its labelled texts.
    """
    mirror = project.mirror
    write_labelled(mirror / "train.csv", texts)
    test = [(i, f"{text} again") for i, (text, _) in enumerate(texts[:10])]
    write_csv(mirror / "test.csv", ["id", "text"], test)
    sample = [(i, 0) for i, _ in test]
    write_csv(mirror / "sample_submission.csv", ["id", "target"], sample)
    project.change_params(PARAMS, download_dataset={"checksums": checksums(mirror)})

    events: dict[str, object] = project.params(PARAMS)["download_events"]["checksums"]
    tweets = [(f"{text} reported", label) for text, label in texts]
    for i, event in enumerate(events):
        of_event = tweets[i * TEXTS_OF_AN_EVENT : (i + 1) * TEXTS_OF_AN_EVENT]
        write_event(mirror / f"crisislex/{event}.csv", of_event, first_id=10**17 + i * 100)
    found = checksums(mirror / "crisislex")
    in_params = {event: found[f"{event}.csv"] for event in events}
    project.change_params(PARAMS, download_events={"checksums": in_params})

    # Each stage that soft labels depend on, as `dvc commit` looks for what it wrote.
    project.dvc("repro", "prepare", "topic/dvc.yaml:download_events")
    write_soft_labels(project.folder / "topic/soft_labels.csv", texts, list(events))
    project.dvc("commit", "--force", "topic/dvc.yaml:soft_labels")


def write_event(path: Path, texts: Texts, first_id: int) -> None:
    """Write a file of the form that the events have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("tweet id, tweet, label\n")
        for i, (text, label) in enumerate(texts):
            topic = "on-topic" if label else "off-topic"
            file.write(f"'{first_id + i}',\"{text}\",{topic}\n")


def write_soft_labels(path: Path, texts: Texts, events: list[str]) -> None:
    """Stand in for two teachers: write their logits of all texts but half of each event."""
    rows: list[tuple[object, ...]] = [
        ("labelled", i, i % 2, *logits(text)) for i, (text, _) in enumerate(texts)
    ]
    for i, event in enumerate(events):
        for j, (text, _) in enumerate(texts[i * TEXTS_OF_AN_EVENT :][: TEXTS_OF_AN_EVENT // 2]):
            rows.append((event, 10**17 + i * 100 + j, "", *logits(text)))
    write_csv(path, ["source", "id", "fold", "teacher_0", "teacher_1"], rows)


def logits(text: str) -> tuple[float, float]:
    """Return two logits that the words of a text decide."""
    sign = 1 if set(text.split()) & set(WORDS[1]) else -1
    return 2.0 * sign, 3.0 * sign
