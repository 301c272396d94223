"""The teachers' stage, with a tiny random encoder in place of the large one."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline.prepare import mask
from pipeline.project import PREPARED, RAW
from tests.pipeline.conftest import write_csv
from topic import texts
from topic.project import FOLDS, ON_TOPIC, SOFT_LABELS, TEACHER
from topic.sources import read_soft_labels
from topic.texts import read_on_topic

from .made_up import write_event

NEEDS = "needs what topic/requirements-teacher.txt names"
torch = pytest.importorskip("torch", reason=NEEDS)
transformers = pytest.importorskip("transformers", reason=NEEDS)

SETTINGS = {
    "event_texts": 3,
    "max_tokens": 16,
    "dropout": 0.1,
    "batch_size": 2,
    "epochs": 1,
    "learning_rate": 1e-3,
    "warm_up": 0.1,
    "weight_decay": 0.01,
    "seeds": {"events": 7, "weights": 0, "batches": 100},
    "threads": 1,
}
TEXTS = [
    *("flood in the valley @one", "my cake is great", "quake felt downtown"),
    *("wildfire at http://x.co/1", "a goal at last", "smoke over town", "homework again"),
    *("bridge collapsed", "new album out", "sirens all night", "coffee first", "storm, run"),
]
# These ids are unsorted, both as numbers and as strings.
IDS = [30, 4, 21, 7, 118, 9, 12, 1, 2, 10, 3, 5]


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The stage, in a project with a dozen texts and a tiny encoder."""
    monkeypatch.chdir(tmp_path)
    write_encoder()
    PREPARED.mkdir(parents=True)
    table = pd.DataFrame({"id": IDS, "text": TEXTS, "target": [1.0, 0.0] * 6, "count": 1})
    table.to_csv(PREPARED / "train.csv", index=False)
    texts._of_competition.cache_clear()
    for name in ("train.csv", "test.csv"):
        write_csv(RAW / name, ["id", "text"], [(1, "something else")])
    write_csv(FOLDS, ["id", "fold"], [(i, place % 2) for place, i in enumerate(IDS)])
    storm = [(f"{text} storm", i % 2) for i, text in enumerate(TEXTS[:5])]
    write_event(ON_TOPIC / "2013_Storm.csv", storm, first_id=10**17 + 1)
    Path("topic/params.yaml").write_text(yaml.safe_dump({"teacher": SETTINGS}), "utf-8")
    from topic import teacher

    return teacher


def write_encoder() -> None:
    """Save a random BERT and its tokenizer to the teachers' folder."""
    words = sorted({word for text in TEXTS for word in mask(text).lower().split()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    TEACHER.mkdir(parents=True)
    vocabulary = TEACHER / "vocab.txt"
    vocabulary.write_text("\n".join(pieces), "utf-8")
    transformers.BertTokenizerFast(vocab=str(vocabulary)).save_pretrained(TEACHER)
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    transformers.BertModel(config).save_pretrained(TEACHER)


def test_each_text_has_a_soft_label_of_teachers_that_have_not_seen_it(
    teacher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    fit = teacher.fit

    def recording(model: object, texts: list[str], *others: object) -> None:
        seen.append(texts)
        fit(model, texts, *others)

    monkeypatch.setattr(teacher, "fit", recording)
    teacher.main()
    soft = read_soft_labels()

    assert soft.columns.tolist() == ["source", "id", "fold", "teacher_0", "teacher_1"]
    labelled = soft[soft["source"] == "labelled"]
    assert labelled["id"].tolist() == [str(i) for i in sorted(IDS)]
    assert labelled["fold"].value_counts().to_dict() == {0: 6, 1: 6}
    events = soft[soft["source"] == "2013_storm"]
    assert len(events) == 3
    assert set(events["id"]) < set(read_on_topic()["id"])
    assert events["fold"].isna().all()
    logits = soft[["teacher_0", "teacher_1"]].to_numpy()
    assert np.isfinite(logits).all()
    assert (soft["teacher_0"] != soft["teacher_1"]).any()
    # No teacher has seen its fold or a label of an event.
    masked = dict(zip(map(str, IDS), map(mask, TEXTS), strict=True))
    assert len(seen) == 2
    for fold, learned in enumerate(seen):
        others = labelled[labelled["fold"] != fold]
        assert sorted(learned) == sorted(masked[i] for i in others["id"])

    # No text is in the file.
    header, *lines = SOFT_LABELS.read_text("utf-8").lower().splitlines()
    assert header == "source,id,fold,teacher_0,teacher_1"
    for line in lines:
        source, *numbers = line.split(",")
        assert source in ("labelled", "2013_storm")
        assert all(
            number.lstrip("-").replace(".", "").isdigit() or not number for number in numbers
        )

    # A second run writes the same bytes.
    first = SOFT_LABELS.read_bytes()
    teacher.main()
    assert SOFT_LABELS.read_bytes() == first
