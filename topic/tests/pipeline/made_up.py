"""Made-up data for the stages of this topic, in place of the real data."""

from __future__ import annotations

from pathlib import Path

from tests.pipeline.conftest import WORDS, Project, Texts, write_csv, write_labelled
from tests.tiny import checksums

PARAMS = "topic/params.yaml"
TEXTS_OF_AN_EVENT = 42
EVENTS = ("2013_Storm", "2014_Flood")
FOLDS = 2  # each fold leaves out one event
INFORMATIVENESS = ("Not related", "Related and informative")
# The numbers of texts that the sources use.
SETTINGS = {"on_topic": 30, "informative": 60, "events_more": 20, "general": 15}


def fill(project: Project, texts: Texts) -> None:
    """Put made-up data into the mirror of a project, and soft labels into its Git.

    Args:
        project: A new project.
        texts: The labelled texts of the project.
    """
    mirror = project.mirror
    write_labelled(mirror / "train.csv", texts)
    test = [(i, f"{text} again") for i, (text, _) in enumerate(texts[:10])]
    write_csv(mirror / "test.csv", ["id", "text"], test)
    sample = [(i, 0) for i, _ in test]
    write_csv(mirror / "sample_submission.csv", ["id", "target"], sample)
    project.change_params(PARAMS, download_dataset={"checksums": checksums(mirror)})

    tweets = [(f"{text} reported", label) for text, label in texts]
    for i, event in enumerate(EVENTS):
        of_event = tweets[i * TEXTS_OF_AN_EVENT : (i + 1) * TEXTS_OF_AN_EVENT]
        write_event(mirror / f"crisislex/{event}.csv", of_event, first_id=10**17 + i * 100)
        write_judged(
            mirror / f"crisislex26/{event}.csv", [(f"{t} too", y) for t, y in of_event]
        )
    (mirror / "tweeteval").mkdir()
    general = "".join(f"{text} of course\n" for text, _ in texts[:20])
    (mirror / "tweeteval/irony.txt").write_text(general, "utf-8")
    downloads = project.params(PARAMS)["download_tweets"]
    for name, settings in downloads.items():
        found = checksums(mirror / name)
        settings["checksums"] = {file.rpartition(".")[0]: found[file] for file in found}
    left_out = [[event.lower()] for event in EVENTS]
    sources = SETTINGS | {"events": left_out}
    project.change_params(PARAMS, download_tweets=downloads, sources=sources)

    folder = project.folder / "topic"
    write_written(folder / "written.csv", texts[:60])
    folds = [(i, i % FOLDS) for i, _ in enumerate(texts)]
    write_csv(folder / "folds.csv", ["id", "fold"], folds)
    header = ["source", "id", "fold", "student", "encoder"]
    write_csv(folder / "out_of_fold.csv", header, [])

    # `dvc commit` of the frozen stages needs the outputs of these stages.
    project.dvc("repro", "prepare", "download_backbone", "topic/dvc.yaml:download_tweets")
    write_soft_labels(folder / "soft_labels.csv", texts)
    for stage in ("soft_labels", "cross_fit"):
        project.dvc("commit", "--force", f"topic/dvc.yaml:{stage}")


def write_judged(path: Path, texts: Texts) -> None:
    """Write a file in the format of CrisisLexT26. Every third text is by an eyewitness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        columns = "Tweet Text, Information Source, Information Type, Informativeness"
        file.write(f"Tweet ID, {columns}\n")
        for i, (text, label) in enumerate(texts):
            speaker = "Media" if i % 3 else "Eyewitness"
            judged = INFORMATIVENESS[label > 0]
            file.write(f'"{7 * 10**16 + i}","{text}",{speaker},Other,{judged}\n')


def write_written(path: Path, texts: Texts) -> None:
    """Write sentences in the format of topic/written.csv. A fifth of them is held out."""
    rows = [
        (
            *(f"made-{i // 4}-{i % 4 + 1}", f"made-{i // 4}", "report" if label else "joke"),
            *("disaster" if label else "not_disaster", "held_out" if i % 20 < 4 else "train"),
            f"{text} we write",
        )
        for i, (text, label) in enumerate(texts)
    ]
    write_csv(path, ["id", "group", "kind", "label", "split", "text"], rows)


def write_event(path: Path, texts: Texts, first_id: int) -> None:
    """Write a file in the format of an event."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("tweet id, tweet, label\n")
        for i, (text, label) in enumerate(texts):
            topic = "on-topic" if label else "off-topic"
            file.write(f"'{first_id + i}',\"{text}\",{topic}\n")


def write_soft_labels(path: Path, texts: Texts) -> None:
    """Write made-up logits of two teachers: for all labelled texts and half of each event."""
    rows: list[tuple[object, ...]] = [
        ("labelled", i, i % FOLDS, *logits(text)) for i, (text, _) in enumerate(texts)
    ]
    for i, event in enumerate(EVENTS):
        for j, (text, _) in enumerate(texts[i * TEXTS_OF_AN_EVENT :][: TEXTS_OF_AN_EVENT // 2]):
            rows.append((event, 10**17 + i * 100 + j, "", *logits(text)))
    write_csv(path, ["source", "id", "fold", "teacher_0", "teacher_1"], rows)


def logits(text: str) -> tuple[float, float]:
    """Return two logits, which depend on the words of the text."""
    sign = 1 if set(text.split()) & set(WORDS[1]) else -1
    return 2.0 * sign, 3.0 * sign
