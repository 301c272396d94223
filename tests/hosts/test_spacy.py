"""The spaCy component: in pipelines, beside other components, saved, in other processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

import disaster_tweets.classifier
from disaster_tweets import ArtifactError, Classifier, predict
from disaster_tweets.topic import EXAMPLES, LABELS

HOSTS = ("spacy",)

TEXTS = [
    *EXAMPLES[:2],
    "",
    "  \n",
    "☕☕☕",
    "The school is in Millbrook. The mill is not.",
    "my inbox is full again",
]


@pytest.fixture
def nlp() -> Language:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("disaster_tweets")
    return pipeline


def categories(text: str) -> dict[str, float]:
    return dict(predict(text).probabilities)


def python(*arguments: str) -> str:
    """Return the output of a Python process; a warning or error fails the test."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestScores:
    def test_docs_have_the_scores_of_their_texts(self, nlp: Language) -> None:
        expected = [categories(text) for text in TEXTS]
        assert [nlp(text).cats for text in TEXTS] == expected

        docs = list(nlp.pipe(iter(TEXTS), batch_size=2))
        assert [doc.text for doc in docs] == TEXTS
        assert [doc.cats for doc in docs] == expected
        assert list(nlp.pipe([])) == []

    def test_a_stream_is_scored_in_batches(
        self, nlp: Language, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        classifier = disaster_tweets.classifier.bundled_classifier()
        sizes: list[int] = []

        def predict_proba(texts: list[str]) -> Any:
            sizes.append(len(texts))
            return type(classifier).predict_proba(classifier, texts)

        monkeypatch.setattr(classifier, "predict_proba", predict_proba)
        assert len(list(nlp.pipe(TEXTS, batch_size=3))) == len(TEXTS)
        assert sizes == [3, 3, 1]

    def test_a_doc_made_of_words_is_scored_by_its_text(self, nlp: Language) -> None:
        doc = Doc(nlp.vocab, ["School", "in", "Millbrook", "!"], [True, True, False, False])

        assert nlp(doc).cats == categories("School in Millbrook!")

    def test_categories_of_others_stay(self, nlp: Language) -> None:
        doc = nlp.make_doc(TEXTS[0])
        doc.cats = {"_weather": 0.25}

        assert nlp(doc).cats == {"_weather": 0.25, **categories(TEXTS[0])}

    def test_two_processes_give_the_same_scores(self, nlp: Language) -> None:
        expected = [nlp(text).cats for text in TEXTS]

        assert [doc.cats for doc in nlp.pipe(TEXTS, n_process=2, batch_size=2)] == expected

    def test_processes_that_start_afresh_give_the_same_scores(self, tmp_path: Path) -> None:
        # Every system but Linux starts processes so, and Linux does from Python 3.14 on.
        script = tmp_path / "spawned.py"
        script.write_text(
            "import json, multiprocessing, spacy\n"
            "if __name__ == '__main__':\n"
            "    multiprocessing.set_start_method('spawn')\n"
            "    nlp = spacy.blank('en')\n"
            "    nlp.add_pipe('disaster_tweets')\n"
            f"    docs = nlp.pipe({TEXTS!r}, n_process=2, batch_size=4)\n"
            "    print(json.dumps([doc.cats for doc in docs]))\n",
            encoding="utf-8",
        )

        assert json.loads(python(str(script))) == [categories(text) for text in TEXTS]


class TestPipeline:
    def test_spacy_finds_the_component_and_loads_no_model(self) -> None:
        code = (
            "import spacy, sys\n"
            "nlp = spacy.blank('en')\n"
            "nlp.add_pipe('disaster_tweets')\n"
            "assert 'disaster_tweets.plugins.spacy' in sys.modules\n"
            "runtimes = {f'disaster_tweets.runtime.{kind}' for kind in ('integers', 'litert')}"
            "\n"
            "print(runtimes.isdisjoint(sys.modules))\n"
            "nlp('a text')\n"
            "print(runtimes.isdisjoint(sys.modules))\n"
        )

        assert python("-c", code).split() == ["True", "False"]

    def test_spacy_knows_what_it_assigns(self, nlp: Language) -> None:
        analysis = nlp.analyze_pipes()

        assert analysis["attrs"]["doc.cats"]["assigns"] == ["disaster_tweets"]
        assert analysis["problems"] == {"disaster_tweets": []}
        assert nlp.pipe_labels["disaster_tweets"] == list(LABELS)

    def test_the_components_name_is_free(self) -> None:
        nlp = spacy.blank("de")
        nlp.add_pipe("sentencizer")
        nlp.add_pipe("disaster_tweets", name="another", first=True)

        assert nlp.pipe_names == ["another", "sentencizer"]
        assert len(list(nlp(TEXTS[5]).sents)) == 2
        assert nlp(TEXTS[5]).cats == categories(TEXTS[5])

    def test_a_setting_that_does_not_exist_is_refused(self) -> None:
        with pytest.raises(ValueError, match="threshold"):
            spacy.blank("en").add_pipe("disaster_tweets", config={"threshold": 0.7})

    def test_an_error_is_raised(self, nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
        break_the_model(monkeypatch)

        with pytest.raises(ArtifactError, match="truncated"):
            nlp("text")
        with pytest.raises(ArtifactError, match="truncated"):
            list(nlp.pipe(["text"]))

    def test_an_error_goes_to_the_handler_of_the_pipeline(
        self, nlp: Language, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        break_the_model(monkeypatch)
        seen: list[Any] = []
        nlp.set_error_handler(
            lambda name, component, docs, error: seen.append((name, len(docs), str(error)))
        )

        assert list(nlp.pipe(["one", "two", "three"], batch_size=2)) == []
        assert seen == [
            ("disaster_tweets", 2, "vocab.txt: truncated"),
            ("disaster_tweets", 1, "vocab.txt: truncated"),
        ]


def break_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ArtifactError("vocab.txt: truncated")

    monkeypatch.setattr(disaster_tweets.classifier, "bundled_classifier", broken)


class TestSaved:
    def test_a_pipeline_on_disk_gives_the_same_scores_in_a_new_process(
        self, nlp: Language, tmp_path: Path
    ) -> None:
        nlp.add_pipe("sentencizer", first=True)
        nlp.to_disk(tmp_path / "saved")
        code = (
            "import json, spacy, sys\n"
            "nlp = spacy.load(sys.argv[1])\n"
            "docs = nlp.pipe(json.loads(sys.argv[2]))\n"
            "print(json.dumps([nlp.pipe_names, [doc.cats for doc in docs]]))\n"
        )
        names, cats = json.loads(python("-c", code, str(tmp_path / "saved"), json.dumps(TEXTS)))

        assert names == ["sentencizer", "disaster_tweets"]
        assert cats == [nlp(text).cats for text in TEXTS]

    def test_the_model_is_not_saved_with_it(self, nlp: Language, tmp_path: Path) -> None:
        saved, blank = tmp_path / "saved", tmp_path / "blank"
        nlp.to_disk(saved)
        spacy.blank("en").to_disk(blank)

        assert {path.relative_to(saved) for path in saved.rglob("*")} == {
            path.relative_to(blank) for path in blank.rglob("*")
        }

    def test_a_pipeline_as_bytes_gives_the_same_scores(self, nlp: Language) -> None:
        other = type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes())

        assert [doc.cats for doc in other.pipe(TEXTS)] == [nlp(text).cats for text in TEXTS]

    def test_a_packaged_pipeline_requires_this_distribution(
        self, nlp: Language, tmp_path: Path
    ) -> None:
        nlp.to_disk(tmp_path / "saved")
        folders = [str(tmp_path / "saved"), str(tmp_path)]
        subprocess.run(
            [sys.executable, "-m", "spacy", "package", *folders, "--build", "none"],
            check=True,
            capture_output=True,
        )
        (meta,) = tmp_path.glob("en_pipeline-*/meta.json")
        requirements = json.loads(meta.read_text("utf-8"))["requirements"]

        assert [r for r in requirements if r.startswith("disaster-tweets-model>=")]


def examples(nlp: Language, categories: dict[str, dict[str, float]]) -> list[Example]:
    return [
        Example.from_dict(nlp.make_doc(text), {"cats": cats})
        for text, cats in categories.items()
    ]


def cats(labels: dict[str, str], of: Sequence[str] = LABELS) -> dict[str, dict[str, float]]:
    """Return the categories of examples with these labels."""
    return {text: {each: float(each == label) for each in of} for text, label in labels.items()}


def most_probable(text: str) -> str:
    """Return the label that spaCy takes as the prediction if there is no threshold."""
    probabilities = predict(text).probabilities
    return max(probabilities, key=probabilities.__getitem__)


def labelled() -> dict[str, str]:
    """Return texts with the labels that the model predicts, except for two.

    The last two have another label, because perfect scores would prove nothing.
    """
    texts = [*TEXTS, *(f"{text} {n}" for n in range(4) for text in EXAMPLES)]
    labels = {text: most_probable(text) for text in texts}
    for text in texts[-2:]:
        labels[text] = next(
            label for label in predict(text).probabilities if label != labels[text]
        )
    return labels


def measures(labels: dict[str, str], label: str) -> dict[str, float]:
    """Return precision, recall and F1 of one label, computed from their definitions."""
    found = {text for text in labels if most_probable(text) == label}
    there = {text for text in labels if labels[text] == label}
    right = len(found & there)
    precision, recall = right / (len(found) or 1), right / (len(there) or 1)
    f1 = 2 * precision * recall / (precision + recall or 1)
    return {"p": precision, "r": recall, "f": f1}


MOODS = {
    "I love this place": {"_up": 1.0, "_down": 0.0},
    "I miss the old days": {"_up": 0.0, "_down": 1.0},
}


class TestEvaluate:
    def test_the_scores_are_those_of_the_labels(self, nlp: Language) -> None:
        labels = labelled()
        scores = nlp.evaluate(examples(nlp, cats(labels)))

        assert scores["cats_f_per_type"] == {
            label: pytest.approx(measures(labels, label)) for label in LABELS
        }
        if len(LABELS) == 2:
            assert scores["cats_score"] == pytest.approx(measures(labels, LABELS[1])["f"])
            assert scores["cats_score_desc"] == f"F ({LABELS[1]})"

    def test_of_four_labels_the_score_is_the_mean(self, four_labels_installed: Path) -> None:
        nlp = spacy.blank("en")
        nlp.add_pipe("disaster_tweets")
        all_labels = Classifier.load(four_labels_installed).classes_
        labels = labelled()
        scores = nlp.evaluate(examples(nlp, cats(labels, all_labels)))
        mean = sum(measures(labels, label)["f"] for label in all_labels) / len(all_labels)

        assert nlp.pipe_labels["disaster_tweets"] == list(all_labels)
        assert set(scores["cats_f_per_type"]) == set(all_labels)
        assert scores["cats_score"] == pytest.approx(mean)
        assert scores["cats_score_desc"] == "macro F"

    def test_examples_without_all_categories_are_left_out(self, nlp: Language) -> None:
        complete = cats(labelled())
        unlabelled = {"Elmwood is near": {LABELS[0]: 0.0}, "good morning": {}, **MOODS}
        scores = nlp.evaluate(examples(nlp, {**complete, **unlabelled}))

        assert scores["cats_score"] == nlp.evaluate(examples(nlp, complete))["cats_score"]
        assert "cats_score" not in nlp.evaluate(examples(nlp, unlabelled))

    def test_a_pipeline_can_do_without_a_scorer(self) -> None:
        nlp = spacy.blank("en")
        nlp.add_pipe("disaster_tweets", config={"scorer": None})

        assert "cats_score" not in nlp.evaluate(examples(nlp, cats(labelled())))


@pytest.fixture(scope="module")
def both() -> Language:
    """A pipeline with the component and a text categorizer for two moods."""
    nlp = spacy.blank("en")
    nlp.add_pipe("textcat")
    nlp.add_pipe("disaster_tweets")
    moods = examples(nlp, MOODS)
    optimizer = nlp.initialize(lambda: moods)
    for _ in range(20):
        nlp.update(moods, sgd=optimizer)
    return nlp


class TestBesideATextCategorizer:
    def test_both_write_their_categories(self, both: Language) -> None:
        for text, moods in MOODS.items():
            cats = both(text).cats
            ours = {label: cats.pop(label) for label in LABELS}

            assert ours == categories(text)
            assert max(cats, key=cats.__getitem__) == max(moods, key=moods.__getitem__)

    def test_the_text_categorizer_is_scored_by_its_own_categories(self, both: Language) -> None:
        scores = both.evaluate(examples(both, MOODS))

        assert set(scores["cats_f_per_type"]) == {"_up", "_down"}
        assert scores["cats_score"] == 1.0

    def test_where_both_have_labels_the_scores_are_those_of_the_later_one(
        self, both: Language
    ) -> None:
        scores = both.evaluate(examples(both, {**cats(labelled()), **MOODS}))

        assert set(scores["cats_f_per_type"]) == set(LABELS)
