"""The estimator for scikit-learn: conventions, meta-estimators and kinds of input."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay, calibration_curve
from sklearn.compose import make_column_transformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss, roc_auc_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

from disaster_tweets import Classifier, InputError, predict
from disaster_tweets.plugins.sklearn import DisasterTweetsClassifier
from disaster_tweets.topic import EXAMPLES, LABELS

from ..conftest import Run, two_labels

HOSTS = ("scikit-learn",)

K = len(LABELS)
NUMBERS = tuple(range(K))
TEXTS = [
    *EXAMPLES[:2],
    "I like this song so much",
    "new shoes, who dis",
    "The concert last night was long",
    "coffee first, then the world",
    "cannot wait for the weekend",
    "Two people waited outside the station",
    "The school in Millbrook opens on Monday",
    "my inbox is full again",
    *(f"{example} {n}" for n in range(2 * K) for example in EXAMPLES[:2]),
]
PREDICTIONS = predict(TEXTS)
DECISIONS = [prediction.label for prediction in PREDICTIONS]
PROBABILITIES = np.array([list(p.probabilities.values()) for p in PREDICTIONS])
SORTED = PROBABILITIES[:, np.argsort(LABELS)]  # in the order that scikit-learn expects
SECOND = PROBABILITIES[:, 1].tolist()  # with two labels, the probability of the positive label


def targets() -> Any:
    """Return labels for the texts, with equal numbers of each label.

    The texts with the highest probability of the second label get it, with one exception,
    because perfect scores would prove nothing. So the labels suit any model.
    """
    ranked = np.argsort(PROBABILITIES[:, 1])[::-1]
    labels = np.array([1] * (len(TEXTS) // K) + [0, *NUMBERS[2:]] * len(TEXTS))[: len(TEXTS)]
    last = len(TEXTS) // K - 1
    labels[[last, last + 1]] = labels[[last + 1, last]]
    target = np.empty(len(TEXTS), int)
    target[ranked] = labels
    return target


TARGET = targets()
LABELLED = np.array(LABELS)[TARGET]
# The median probability: half of the texts have at least this probability of the second label.
MIDDLE = sorted(SECOND)[len(TEXTS) // 2]


class TestAnswers:
    def test_they_are_those_of_predict(self) -> None:
        classifier = DisasterTweetsClassifier()
        probabilities = classifier.predict_proba(TEXTS)

        assert classifier.predict(TEXTS).tolist() == DECISIONS
        assert classifier.classes_.tolist() == sorted(LABELS)
        assert probabilities.dtype == np.float32
        np.testing.assert_array_equal(probabilities, SORTED)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)

    @pytest.mark.parametrize(
        "classes",
        [
            NUMBERS,
            NUMBERS[::-1],
            [*NUMBERS[1:], 0],
            tuple(f"class {9 - n}" for n in NUMBERS),
            *(
                pytest.param(classes, marks=two_labels)
                for classes in [(False, True), ("calm", "alarm"), ("-", "+")]
            ),
        ],
    )
    def test_the_classes_are_called_as_the_user_calls_them(self, classes: Any) -> None:
        classifier = DisasterTweetsClassifier(classes=classes)
        names = dict(zip(LABELS, classes, strict=True))
        columns = [classifier.classes_.tolist().index(name) for name in classes]

        assert classifier.classes_.tolist() == sorted(classes)
        np.testing.assert_array_equal(
            classifier.predict_proba(TEXTS)[:, columns], PROBABILITIES
        )
        assert classifier.predict(TEXTS).tolist() == [names[label] for label in DECISIONS]

    @two_labels
    def test_the_threshold_decides(self) -> None:
        classifier = DisasterTweetsClassifier(threshold=MIDDLE)
        positive = classifier.predict(TEXTS) == LABELS[1]

        assert positive.tolist() == [p >= MIDDLE for p in SECOND]
        assert 0 < positive.sum() < len(TEXTS)
        assert set(classifier.set_params(threshold=0).predict(TEXTS)) == {LABELS[1]}
        assert set(classifier.set_params(threshold=1).predict(TEXTS)) == {LABELS[0]}

    @two_labels
    def test_the_threshold_is_the_number_that_it_is_in_float64(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        classifier = DisasterTweetsClassifier(threshold=0.7)
        below = np.float32(0.7)  # a little less than 0.7
        monkeypatch.setattr(
            classifier, "_probabilities", lambda texts: np.array([[1 - below, below]])
        )

        assert classifier.predict(["text"]).tolist() == [LABELS[0]]

    def test_the_score_is_the_accuracy(self) -> None:
        classifier = DisasterTweetsClassifier()
        numbered = clone(classifier).set_params(classes=NUMBERS)

        for target in (TARGET, (TARGET + 1) % K):  # one is correct if the other is wrong
            labels = np.array(LABELS)[target]
            right = np.array(DECISIONS) == labels
            assert classifier.score(TEXTS, labels) == right.mean()
            assert numbered.score(TEXTS, target) == right.mean()

    def test_no_texts_give_no_rows(self) -> None:
        assert DisasterTweetsClassifier().predict_proba([]).shape == (0, K)
        assert DisasterTweetsClassifier().predict([]).shape == (0,)


@pytest.mark.usefixtures("four_labels_installed")
class TestFourLabels:
    @pytest.fixture
    def texts(self, four_labels: Path) -> list[str]:
        """Texts that include each label at least once."""
        golden = json.loads((four_labels / "golden.json").read_text("utf-8"))
        return [each["text"] for each in golden]

    @pytest.mark.parametrize(
        ("classes", "columns"), [(None, None), (("d", "b", "c", "a"), [3, 1, 2, 0])]
    )
    def test_the_answers_are_those_of_the_model(
        self, four_labels: Path, texts: list[str], classes: Any, columns: Any
    ) -> None:
        model = Classifier.load(four_labels)
        classifier = DisasterTweetsClassifier(classes=classes)
        names = dict(zip(model.classes_, classes or model.classes_, strict=True))
        decisions = classifier.predict(texts).tolist()

        assert classifier.classes_.tolist() == sorted(names.values())
        assert decisions == [names[prediction.label] for prediction in model.predict(texts)]
        assert set(decisions) == set(names.values())
        np.testing.assert_array_equal(
            classifier.predict_proba(texts),
            model.predict_proba(texts)[:, columns or np.argsort(model.classes_)],
        )
        assert classifier.score(texts, decisions) == 1

    def test_a_threshold_is_refused(self) -> None:
        with pytest.raises(InputError, match="a threshold needs two labels, and there are 4"):
            DisasterTweetsClassifier(threshold=0.5).predict(["a text"])

    def test_it_says_that_it_takes_more_than_two_classes(self) -> None:
        assert get_tags(DisasterTweetsClassifier()).classifier_tags.multi_class

    def test_scorers_and_ensembles_take_it(self, four_labels: Path, texts: list[str]) -> None:
        probabilities = Classifier.load(four_labels).predict_proba(texts)
        target = (probabilities.argmax(axis=1) + (np.arange(len(texts)) % 3 == 2)) % 4
        classifier = DisasterTweetsClassifier(classes=range(4))
        auc = roc_auc_score(target, probabilities, multi_class="ovr")
        voting = VotingClassifier([(name, classifier) for name in "ab"], voting="soft")

        assert 0.5 < auc < 1
        assert get_scorer("roc_auc_ovr")(classifier, texts, target) == auc
        np.testing.assert_allclose(
            voting.fit(texts, target).predict_proba(texts), probabilities, atol=1e-6
        )

    @pytest.mark.filterwarnings("ignore")
    def test_on_its_own_it_passes_the_checks_of_the_interface(self) -> None:
        checked = check_estimator(
            DisasterTweetsClassifier(classes=range(4)),
            legacy=False,
            expected_failed_checks=OF_TEXTS,
            on_fail=None,
        )

        assert {each["check_name"] for each in checked if each["status"] == "xfail"} == set(
            OF_TEXTS
        )
        assert [each["check_name"] for each in checked if each["status"] == "failed"] == []


class TestInput:
    @pytest.mark.parametrize(
        "column",
        [
            TEXTS,
            tuple(TEXTS),
            [[text] for text in TEXTS],
            np.array(TEXTS),
            np.array(TEXTS, dtype=object),
            np.array(TEXTS, dtype=np.dtypes.StringDType()),
            np.array(TEXTS)[:, None],
            pd.Series(TEXTS, index=range(100, 100 + len(TEXTS))),
            pd.Series(TEXTS, dtype="string"),
            pd.Series(TEXTS, dtype=object),
            pd.DataFrame({"text": TEXTS}),
            pl.Series(TEXTS),
            pl.DataFrame({"text": TEXTS}),
            pa.array(TEXTS),
            pa.chunked_array([TEXTS[:3], TEXTS[3:]]),
        ],
        ids=lambda column: f"{type(column).__module__}.{type(column).__name__}",
    )
    def test_a_column_of_texts(self, column: Any) -> None:
        np.testing.assert_array_equal(DisasterTweetsClassifier().predict_proba(column), SORTED)
        DisasterTweetsClassifier().fit(column, LABELLED)

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            ("one text", "X must be one column of texts, not str"),
            ((text for text in TEXTS), "X must be one column of texts, not generator"),
            (np.array([["a", "b"]]), r"not an array of shape \(1, 2\)"),
            (pd.DataFrame({"text": ["a"], "id": ["b"]}), r"not an array of shape \(1, 2\)"),
            (csr_array((2, 1)), "X must be one column of texts, not csr_array"),
            (np.zeros((2, 1, 1)), r"not an array of shape \(2, 1, 1\)"),
            (["a", None], r"texts\[1\] is missing"),
            (pd.Series(["a", "b", np.nan]), r"texts\[2\] is missing"),
            (pd.Series(["a", pd.NA], dtype="string"), r"texts\[1\] is missing"),
            ([0.5, 1.5], r"texts\[0\] is float"),
            (np.array([b"a"]), r"texts\[0\] is bytes"),
        ],
    )
    def test_what_is_not_a_column_of_texts_is_refused(self, column: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            DisasterTweetsClassifier().predict(column)

    @pytest.mark.parametrize(
        "classes", [("a",), ("a",) * K, (*NUMBERS, K), (*NUMBERS[1:], K, K), "no"]
    )
    def test_classes_that_are_not_one_for_each_label_are_refused(self, classes: Any) -> None:
        with pytest.raises(InputError, match=f"classes must be {K} different ones"):
            DisasterTweetsClassifier(classes=classes).predict_proba(TEXTS)

    @two_labels
    @pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan"), "0.5", [0.5]])
    def test_a_threshold_that_is_no_probability_is_refused(self, threshold: Any) -> None:
        with pytest.raises(InputError, match="threshold must be a number from 0 to 1"):
            DisasterTweetsClassifier(threshold=threshold).predict(TEXTS)


class TestFit:
    def test_it_needs_no_fit(self) -> None:
        check_is_fitted(DisasterTweetsClassifier())

    def test_a_fit_changes_nothing(self) -> None:
        classifier = DisasterTweetsClassifier()
        before = vars(classifier).copy()

        assert classifier.fit(TEXTS, LABELLED) is classifier
        assert vars(classifier) == before
        # Fitting changes nothing, even if all training data has other labels.
        other = next(label for label in LABELS if label != DECISIONS[0])
        assert classifier.fit(TEXTS[:1] * 8, [other] * 8).predict(TEXTS[:1]) == DECISIONS[:1]

    @pytest.mark.parametrize(
        ("texts", "labels", "error", "message"),
        [
            # Otherwise they would count as wrong, or a meta-estimator would mix them up.
            (TEXTS[:2], [0, 1], InputError, r"y holds 0, 1, not among .* pass classes="),
            (TEXTS[:2], [LABELS[0], "no"], InputError, "y holds 'no', not among"),
            (TEXTS, LABELLED[1:], ValueError, "inconsistent numbers of samples"),
            ([TEXTS[:8], TEXTS[8:16]], LABELS[:2], InputError, r"an array of shape \(2, 8\)"),
        ],
        ids=["other labels", "one other label", "fewer labels", "many columns"],
    )
    def test_what_does_not_fit_is_refused(
        self, texts: Any, labels: Any, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            DisasterTweetsClassifier().fit(texts, labels)


class TestConventions:
    def test_a_pickle_holds_the_parameters_and_no_model(self) -> None:
        classifier = DisasterTweetsClassifier(threshold=MIDDLE if K == 2 else None)
        classifier.predict(TEXTS[:1])
        pickled = pickle.dumps(classifier)

        assert len(pickled) < 1000
        assert pickle.loads(pickled).predict(TEXTS).tolist() == (
            classifier.predict(TEXTS).tolist()
        )

    def test_a_file_of_joblib_serves_a_new_process(self, run: Run, tmp_path: Path) -> None:
        joblib.dump(make_pipeline(DisasterTweetsClassifier()), tmp_path / "model.joblib")
        code = (
            "import joblib, sys\n"
            "print(*joblib.load('model.joblib').predict(sys.argv[1:]), sep='\\n')\n"
        )
        done = run("python", "-W", "error", "-c", code, *TEXTS)

        assert done.status == 0, done.err
        assert done.out.splitlines() == DECISIONS


def rows_as_texts(rows: Any) -> Any:
    """Convert the numbers of scikit-learn's checks to texts."""
    return np.array([" ".join(map(str, row)) for row in rows], dtype=object)


FITTED_ALREADY = "it is fitted from the start"
OTHER_CLASSES = "the check's labels are other than 0 and 1, and fit learns no classes"

# These checks assume numeric data.
OF_TEXTS = {
    "check_fit_score_takes_y": "the check scores numbers",
    "check_dont_overwrite_parameters": "the check takes two columns",
    "check_n_features_in_after_fitting": "a text has no features to count",
}

# No pipeline keeps these conventions, whatever its last step.
OF_PIPELINES = {
    "check_estimators_overwrite_params": "a pipeline fits the very steps that it was given",
    "check_dont_overwrite_parameters": "a pipeline has its n_features_in_ from its first step",
}


@two_labels  # the checks make data with two classes
@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
@parametrize_with_checks(
    [
        make_pipeline(
            FunctionTransformer(rows_as_texts, validate=True),
            DisasterTweetsClassifier(classes=NUMBERS),
        )
    ],
    expected_failed_checks=lambda estimator: {
        **OF_PIPELINES,
        "check_estimators_unfitted": FITTED_ALREADY,
        "check_fit_check_is_fitted": FITTED_ALREADY,
        "check_classifiers_one_label": "fit learns nothing, not even from a single class",
        "check_classifier_data_not_an_array": OTHER_CLASSES,
        "check_classifier_not_supporting_multiclass": OTHER_CLASSES,
        "check_classifiers_classes": OTHER_CLASSES,
        "check_estimators_dtypes": OTHER_CLASSES,
        "check_fit2d_1feature": OTHER_CLASSES,
    },
)
def test_behind_numbers_as_texts_it_passes_the_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [DisasterTweetsClassifier(classes=NUMBERS)],
    legacy=False,  # the legacy checks need numeric predictions: see above
    expected_failed_checks=lambda estimator: OF_TEXTS,
)
def test_on_its_own_it_passes_the_checks_of_the_interface(estimator: Any, check: Any) -> None:
    check(estimator)


class TestPipelines:
    def test_a_column_of_a_frame_with_its_gaps_filled(self) -> None:
        frame = pd.DataFrame({"id": [1, 2, 3], "text": [TEXTS[0], None, TEXTS[1]]})
        pipeline = make_pipeline(
            make_column_transformer(
                (SimpleImputer(strategy="constant", fill_value=""), ["text"])
            ),
            DisasterTweetsClassifier(),
        )
        labels = [LABELS[1], LABELS[0], LABELS[0]]

        assert pipeline.fit(frame, labels).predict(frame).tolist() == [
            prediction.label for prediction in predict([TEXTS[0], "", TEXTS[1]])
        ]

    @pytest.mark.parametrize(
        ("classifier", "y", "expected", "jobs"),
        [
            (DisasterTweetsClassifier(classes=NUMBERS), TARGET, PROBABILITIES, 2),
            (FrozenEstimator(DisasterTweetsClassifier()), LABELLED, SORTED, 1),
        ],
        ids=["numbers", "our labels"],
    )
    def test_cross_validation_gives_what_predict_gives(
        self, classifier: Any, y: Any, expected: Any, jobs: int
    ) -> None:
        settings = {"cv": 2, "n_jobs": jobs, "method": "predict_proba"}
        probabilities = cross_val_predict(classifier, TEXTS, y, **settings)

        np.testing.assert_array_equal(probabilities, expected)

    def test_labels_that_a_host_renumbers_are_refused(self) -> None:
        # Both number the labels alphabetically, which may differ from the model's order.
        model = DisasterTweetsClassifier()
        voting = VotingClassifier([("model", model)], voting="soft")

        with pytest.raises(InputError, match="y holds 0, 1"):
            voting.fit(TEXTS, LABELLED)
        with pytest.raises(InputError, match="y holds 0, 1"):
            cross_val_predict(model, TEXTS, LABELLED, method="predict_proba", cv=2)

    @two_labels
    @pytest.mark.parametrize(
        "classes", [LABELS, LABELS[::-1], (0, 1), (1, 0)], ids=lambda classes: f"{classes}"
    )
    def test_scorers_read_the_columns_in_the_right_order(self, classes: Any) -> None:
        # scikit-learn takes the last of the sorted classes as the positive one.
        y, column = np.array(classes)[TARGET], classes.index(max(classes))
        is_positive, positive = y == max(classes), PROBABILITIES[:, column]
        classifier = DisasterTweetsClassifier(classes=classes)
        auc = roc_auc_score(is_positive, positive)
        folds = StratifiedKFold(2)

        assert 0.9 < auc < 1
        assert get_scorer("roc_auc")(classifier, TEXTS, y) == auc
        np.testing.assert_allclose(
            cross_val_score(classifier, TEXTS, y, cv=folds, scoring="neg_log_loss"),
            [-log_loss(is_positive[fold], positive[fold]) for _, fold in folds.split(TEXTS, y)],
            rtol=1e-5,
        )

    @two_labels
    def test_a_grid_search_finds_a_threshold(self) -> None:
        search = GridSearchCV(
            DisasterTweetsClassifier(),
            {"threshold": [0.0, MIDDLE, 1.0]},
            cv=2,
            error_score="raise",
        ).fit(TEXTS, LABELLED)

        assert search.best_params_ == {"threshold": MIDDLE}

    @two_labels
    def test_a_threshold_may_be_set_or_tuned_from_outside(self) -> None:
        frozen = FrozenEstimator(DisasterTweetsClassifier(classes=(0, 1)))
        fixed = FixedThresholdClassifier(
            frozen, threshold=MIDDLE, response_method="predict_proba"
        ).fit(TEXTS, TARGET)
        tuned = TunedThresholdClassifierCV(frozen, cv="prefit", refit=False).fit(TEXTS, TARGET)

        assert fixed.predict(TEXTS).tolist() == [p >= MIDDLE for p in SECOND]
        assert 0 < tuned.best_threshold_ < 1


class TestCalibration:
    @two_labels
    def test_a_calibration_curve(self) -> None:
        classifier = DisasterTweetsClassifier(classes=(0, 1))
        display = CalibrationDisplay.from_estimator(classifier, TEXTS, TARGET, n_bins=2)
        shares, means = calibration_curve(TARGET, SECOND, n_bins=2)

        np.testing.assert_allclose(display.prob_true, shares)
        np.testing.assert_allclose(display.prob_pred, means)

    @pytest.mark.parametrize("freeze", [FrozenEstimator, lambda classifier: classifier])
    def test_it_is_calibrated_anew_on_the_users_data(self, freeze: Any) -> None:
        def mean(frequent: str) -> float:
            """Return the mean probability of the first label if the label had another share."""
            rest = [label for label in LABELS if label != frequent]
            labels = np.array([*rest * 2, *[frequent] * (len(TEXTS) - 2 * len(rest))])
            calibrated = CalibratedClassifierCV(freeze(DisasterTweetsClassifier()), cv=2)
            calibrated.fit(TEXTS, labels)
            assert calibrated.classes_.tolist() == sorted(LABELS)
            column = calibrated.classes_.tolist().index(LABELS[0])
            return float(calibrated.predict_proba(TEXTS)[:, column].mean())

        # The model's own mean is the same in both worlds.
        assert mean(LABELS[1]) < mean(LABELS[0])


class TestEnsembles:
    @staticmethod
    def words() -> Any:
        return make_pipeline(TfidfVectorizer(), LogisticRegression())

    def test_voting_with_probabilities(self) -> None:
        words = self.words()
        voting = VotingClassifier(
            [("model", DisasterTweetsClassifier(classes=NUMBERS)), ("words", words)],
            voting="soft",
        ).fit(TEXTS, TARGET)
        expected = (PROBABILITIES + words.fit(TEXTS, TARGET).predict_proba(TEXTS)) / 2

        np.testing.assert_allclose(voting.predict_proba(TEXTS), expected, atol=1e-6)

    def test_voting_with_decisions(self) -> None:
        classifier = DisasterTweetsClassifier(classes=NUMBERS)
        voting = VotingClassifier([(name, classifier) for name in "abc"]).fit(TEXTS, TARGET)

        assert voting.predict(TEXTS).tolist() == classifier.predict(TEXTS).tolist()

    @pytest.mark.parametrize(
        ("cv", "classes", "y"),
        [("prefit", LABELS, LABELLED), (2, NUMBERS, TARGET)],
        ids=["prefit", "cross-validated"],
    )
    def test_stacking(self, cv: Any, classes: Any, y: Any) -> None:
        words = self.words().fit(TEXTS, y)
        model = DisasterTweetsClassifier(classes=classes)
        stacking = StackingClassifier([("model", model), ("words", words)], cv=cv)
        stacking.fit(TEXTS, y)
        features = stacking.transform(TEXTS)

        assert set(stacking.predict(TEXTS).tolist()) <= set(classes)
        # With two classes, the first is left out, because the probabilities add up to 1.
        ours = model.predict_proba(TEXTS)[:, 1 if K == 2 else 0 :]
        np.testing.assert_allclose(features[:, : ours.shape[1]], ours, atol=1e-6)


def test_the_import_loads_no_model(run: Run) -> None:
    code = (
        "import sys\n"
        "from disaster_tweets.plugins.sklearn import DisasterTweetsClassifier\n"
        f"DisasterTweetsClassifier().fit(['a text'], [{LABELS[0]!r}])\n"
        "runtimes = {f'disaster_tweets.runtime.{name}' for name in ('integers', 'litert')}\n"
        "print(runtimes.isdisjoint(sys.modules))\n"
    )

    assert run("python", "-W", "error", "-c", code) == (0, "True\n", "")


@pytest.mark.filterwarnings("ignore")
def test_what_to_type(typed: Callable[..., Any]) -> None:
    assert typed("scikit-learn", texts=TEXTS).tolist() == DECISIONS
