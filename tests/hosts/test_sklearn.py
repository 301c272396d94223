"""The estimator of scikit-learn: its conventions, its meta-estimators, its kinds of input."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay, calibration_curve
from sklearn.compose import make_column_transformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, roc_auc_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

from disaster_tweets import InputError, predict
from disaster_tweets.plugins import contract
from disaster_tweets.plugins.sklearn import DisasterTweetsClassifier

HOSTS = ("scikit-learn",)

DISASTERS = [
    "Wildfire has crossed the highway near Ashford. Evacuate now!",
    "Flood water reached the school in Millbrook",
    "Magnitude 6 earthquake shakes Elmwood, several houses collapsed",
    "Two dead after a train derailed outside Carrow",
    "Tornado warning for Linden county, a barn was destroyed",
    "Rescue crews search the rubble of the burnt factory",
    "Bridge closed after the landslide buried two cars",
    "Hurricane leaves thousands without power in Port Hale",
]
CHATTER = [
    "this mixtape is fire",
    "my inbox is a disaster",
    "I love this song so much",
    "new shoes, who dis",
    "the concert last night blew me away",
    "coffee first, then the world",
    "cannot wait for the weekend",
    "this exam is going to kill me lol",
]
TEXTS = [text for pair in zip(DISASTERS, CHATTER, strict=True) for text in pair]
LABELS = np.array(["disaster", "not_disaster"] * len(DISASTERS))
TARGET = (LABELS == "disaster").astype(int)  # as in most files: 1 is a disaster

PROBABILITIES = [prediction.probability for prediction in predict(TEXTS)]
DECISIONS = [prediction.label for prediction in predict(TEXTS)]


class TestAnswers:
    def test_a_decision_is_that_of_predict(self) -> None:
        labels = DisasterTweetsClassifier().predict(TEXTS)

        assert labels.tolist() == DECISIONS
        assert set(DECISIONS) == {"disaster", "not_disaster"}

    def test_a_probability_is_that_of_predict(self) -> None:
        classifier = DisasterTweetsClassifier()
        probabilities = classifier.predict_proba(TEXTS)

        # Sorted, as scikit-learn takes for granted.
        assert classifier.classes_.tolist() == ["disaster", "not_disaster"]
        assert probabilities.shape == (len(TEXTS), 2)
        assert probabilities[:, 0].tolist() == PROBABILITIES
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)

    @pytest.mark.parametrize(
        "classes", [(0, 1), (1, 0), (False, True), ("calm", "alarm"), ("-", "+")]
    )
    def test_the_classes_are_called_as_the_user_calls_them(self, classes: Any) -> None:
        classifier = DisasterTweetsClassifier(classes=classes)
        no_disaster, disaster = classes
        column = classifier.classes_.tolist().index(disaster)

        assert classifier.classes_.tolist() == sorted(classes)
        assert classifier.predict_proba(TEXTS)[:, column].tolist() == PROBABILITIES
        assert classifier.predict(TEXTS).tolist() == [
            disaster if label == "disaster" else no_disaster for label in DECISIONS
        ]

    def test_the_threshold_decides(self) -> None:
        classifier = DisasterTweetsClassifier(threshold=PROBABILITIES[0])
        positive = classifier.predict(TEXTS) == "disaster"

        assert positive.tolist() == [p >= PROBABILITIES[0] for p in PROBABILITIES]
        assert 0 < positive.sum() < len(DISASTERS)
        assert set(classifier.set_params(threshold=0).predict(TEXTS)) == {"disaster"}
        assert set(classifier.set_params(threshold=1).predict(TEXTS)) == {"not_disaster"}

    def test_the_threshold_is_the_number_that_it_is_in_float64(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        classifier = DisasterTweetsClassifier(threshold=0.7)
        below = np.float32(0.7)  # a little less than 0.7
        monkeypatch.setattr(
            classifier, "_probabilities", lambda texts: np.array([[1 - below, below]])
        )

        assert classifier.predict(["text"]).tolist() == ["not_disaster"]

    def test_threads_do_not_change_the_scores(self) -> None:
        one, two = (DisasterTweetsClassifier(threads=n).predict_proba(TEXTS) for n in (1, 2))

        np.testing.assert_array_equal(one, two)

    def test_the_score_is_the_accuracy(self) -> None:
        right = np.array(DECISIONS) == LABELS
        classifier = DisasterTweetsClassifier()

        assert classifier.score(TEXTS, LABELS) == right.mean()
        assert classifier.score(TEXTS, LABELS[::-1]) == (~right).mean()
        assert clone(classifier).set_params(classes=(0, 1)).score(TEXTS, TARGET) == right.mean()

    def test_no_texts_give_no_rows(self) -> None:
        assert DisasterTweetsClassifier().predict_proba([]).shape == (0, 2)
        assert DisasterTweetsClassifier().predict([]).shape == (0,)

    def test_the_plugin_of_the_contract_gives_the_same(self) -> None:
        plugin = contract.load()
        classifier = DisasterTweetsClassifier()
        columns = [plugin.classes_.tolist().index(label) for label in classifier.classes_]

        np.testing.assert_array_equal(plugin.predict(TEXTS), classifier.predict(TEXTS))
        np.testing.assert_array_equal(
            plugin.predict_proba(TEXTS)[:, columns], classifier.predict_proba(TEXTS)
        )


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
        assert DisasterTweetsClassifier().predict_proba(column)[:, 0].tolist() == PROBABILITIES
        DisasterTweetsClassifier().fit(column, LABELS)

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
            (pd.Series(["a", pd.NA], dtype="string"), r"texts\[1\] is NAType"),
            ([0.5, 1.5], r"texts\[0\] is float"),
            (np.array([b"a"]), r"texts\[0\] is bytes"),
        ],
    )
    def test_what_is_not_a_column_of_texts_is_refused(self, column: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            DisasterTweetsClassifier().predict(column)

    @pytest.mark.parametrize("classes", [("a",), ("a", "a"), ("a", "b", "c"), "no"])
    def test_classes_that_are_not_two_are_refused(self, classes: Any) -> None:
        with pytest.raises(InputError, match="classes must be two"):
            DisasterTweetsClassifier(classes=classes).predict_proba(TEXTS)

    @pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan"), "0.5", [0.5]])
    def test_a_threshold_that_is_no_probability_is_refused(self, threshold: Any) -> None:
        with pytest.raises(InputError, match="threshold must be a number from 0 to 1"):
            DisasterTweetsClassifier(threshold=threshold).predict(TEXTS)

    def test_threads_that_are_no_count_are_refused(self) -> None:
        with pytest.raises(InputError, match="threads must be an int from 1 on"):
            DisasterTweetsClassifier(threads=-1).predict(TEXTS)


class TestFit:
    def test_it_needs_no_fit(self) -> None:
        check_is_fitted(DisasterTweetsClassifier())

    def test_a_fit_changes_nothing(self) -> None:
        classifier = DisasterTweetsClassifier()
        before = vars(classifier).copy()

        assert classifier.fit(TEXTS, LABELS) is classifier
        assert vars(classifier) == before
        # Not even where all that it is shown says the opposite.
        assert classifier.fit(CHATTER, ["disaster"] * 8).predict(CHATTER[:1]) == "not_disaster"

    def test_labels_that_it_does_not_know_are_refused(self) -> None:
        # Silently taken, they would count as wrong, or be mixed up by a meta-estimator.
        with pytest.raises(InputError, match=r"y holds 0, 1, not among .* pass classes="):
            DisasterTweetsClassifier().fit(TEXTS, TARGET)
        with pytest.raises(InputError, match="y holds 'rumour', not among"):
            DisasterTweetsClassifier().fit(TEXTS[:2], ["disaster", "rumour"])

    def test_labels_of_another_number_are_refused(self) -> None:
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            DisasterTweetsClassifier().fit(TEXTS, LABELS[1:])

    def test_more_than_a_column_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"not an array of shape \(2, 8\)"):
            DisasterTweetsClassifier().fit([DISASTERS, CHATTER], ["disaster", "not_disaster"])


class TestConventions:
    def test_it_is_a_classifier(self) -> None:
        assert is_classifier(DisasterTweetsClassifier())

    def test_parameters_are_got_set_and_cloned(self) -> None:
        classifier = DisasterTweetsClassifier(classes=(0, 1), threshold=0.7, threads=2)
        parameters = {"classes": (0, 1), "threshold": 0.7, "threads": 2}

        assert classifier.get_params() == parameters
        assert clone(classifier).get_params() == parameters
        assert clone(classifier).set_params(threads=1).threads == 1

    def test_a_pickle_holds_the_parameters_and_no_model(self) -> None:
        classifier = DisasterTweetsClassifier(threshold=0.7)
        classifier.predict(TEXTS[:1])
        pickled = pickle.dumps(classifier)

        assert len(pickled) < 1000
        assert pickle.loads(pickled).predict(TEXTS).tolist() == (
            classifier.predict(TEXTS).tolist()
        )

    def test_a_file_of_joblib_serves_a_new_process(self, tmp_path: Any) -> None:
        joblib.dump(make_pipeline(DisasterTweetsClassifier()), tmp_path / "model.joblib")
        code = (
            "import joblib, sys\n"
            "print(*joblib.load(sys.argv[1]).predict(sys.argv[2:]), sep='\\n')\n"
        )

        assert python("-c", code, str(tmp_path / "model.joblib"), *TEXTS).split() == DECISIONS


def rows_as_texts(rows: Any) -> Any:
    """Spell the numbers that scikit-learn's checks feed to every estimator."""
    return np.array([" ".join(map(str, row)) for row in rows], dtype=object)


FITTED_ALREADY = "it is fitted from the start"
OTHER_CLASSES = "the check's labels are other than 0 and 1, and fit learns no classes"

# Pipelines do not keep these conventions, whatever their last step.
OF_PIPELINES = {
    "check_estimators_overwrite_params": "a pipeline fits the very steps that it was given",
    "check_dont_overwrite_parameters": "a pipeline has its n_features_in_ from its first step",
}


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
@parametrize_with_checks(
    [
        make_pipeline(
            FunctionTransformer(rows_as_texts, validate=True),
            DisasterTweetsClassifier(classes=(0, 1)),
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
    [DisasterTweetsClassifier(classes=(0, 1))],
    legacy=False,  # the others need numbers for a prediction: see above
    expected_failed_checks=lambda estimator: {
        "check_fit_score_takes_y": "the check scores numbers",
        "check_dont_overwrite_parameters": "the check takes two columns",
        "check_n_features_in_after_fitting": "a text has no features to count",
    },
)
def test_on_its_own_it_passes_the_checks_of_the_interface(estimator: Any, check: Any) -> None:
    check(estimator)


class TestPipelines:
    def test_behind_a_transformer_of_texts(self) -> None:
        pipeline = make_pipeline(
            FunctionTransformer(
                lambda texts: [text.replace("fire", "great") for text in texts]
            ),
            DisasterTweetsClassifier(),
        )
        changed = [text.replace("fire", "great") for text in TEXTS]
        expected = [prediction.probability for prediction in predict(changed)]

        assert pipeline.fit(TEXTS, LABELS).predict_proba(TEXTS)[:, 0].tolist() == expected
        assert expected != PROBABILITIES

    def test_a_column_of_a_frame_with_its_gaps_filled(self) -> None:
        frame = pd.DataFrame({"id": [1, 2, 3], "text": [TEXTS[0], None, TEXTS[1]]})
        pipeline = make_pipeline(
            make_column_transformer(
                (SimpleImputer(strategy="constant", fill_value=""), ["text"])
            ),
            DisasterTweetsClassifier(),
        )
        labels = ["disaster", "not_disaster", "not_disaster"]

        assert pipeline.fit(frame, labels).predict(frame).tolist() == [
            prediction.label for prediction in predict([TEXTS[0], "", TEXTS[1]])
        ]

    @pytest.mark.parametrize("jobs", [1, 2])
    @pytest.mark.parametrize(
        ("classifier", "y", "column"),
        [
            (DisasterTweetsClassifier(classes=(0, 1)), TARGET, 1),
            (FrozenEstimator(DisasterTweetsClassifier()), LABELS, 0),
        ],
        ids=["0 and 1", "our labels"],
    )
    def test_cross_validation_gives_what_predict_gives(
        self, classifier: Any, y: Any, column: int, jobs: int
    ) -> None:
        settings = {"cv": 4, "n_jobs": jobs, "method": "predict_proba"}
        probabilities = cross_val_predict(classifier, TEXTS, y, **settings)

        assert probabilities[:, column].tolist() == PROBABILITIES

    def test_labels_that_a_host_renumbers_are_refused(self) -> None:
        # Both number the labels in alphabetical order, so that 0 would be a disaster.
        model = DisasterTweetsClassifier()
        voting = VotingClassifier([("model", model)], voting="soft")

        with pytest.raises(InputError, match="y holds 0, 1"):
            voting.fit(TEXTS, LABELS)
        with pytest.raises(InputError, match="y holds 0, 1"):
            cross_val_predict(model, TEXTS, LABELS, method="predict_proba")

    @pytest.mark.parametrize(
        ("classifier", "y"),
        [
            (DisasterTweetsClassifier(), LABELS),
            (DisasterTweetsClassifier(classes=(0, 1)), TARGET),
        ],
        ids=["our labels", "0 and 1"],
    )
    def test_scorers_read_the_columns_in_the_right_order(self, classifier: Any, y: Any) -> None:
        auc = roc_auc_score(TARGET, PROBABILITIES)

        assert auc > 0.9
        assert get_scorer("roc_auc")(classifier, TEXTS, y) == auc
        assert cross_val_score(classifier, TEXTS, y, cv=2, scoring="neg_log_loss").min() > -0.7

    def test_a_grid_search_finds_a_threshold(self) -> None:
        search = GridSearchCV(
            DisasterTweetsClassifier(),
            {"threshold": [0.0, 0.5, 1.0]},
            cv=2,
            error_score="raise",
        ).fit(TEXTS, LABELS)

        assert search.best_params_ == {"threshold": 0.5}

    def test_a_threshold_may_be_set_or_tuned_from_outside(self) -> None:
        frozen = FrozenEstimator(DisasterTweetsClassifier(classes=(0, 1)))
        fixed = FixedThresholdClassifier(
            frozen, threshold=PROBABILITIES[0], response_method="predict_proba"
        ).fit(TEXTS, TARGET)
        tuned = TunedThresholdClassifierCV(frozen, cv="prefit", refit=False).fit(TEXTS, TARGET)

        assert fixed.predict(TEXTS).tolist() == [p >= PROBABILITIES[0] for p in PROBABILITIES]
        assert 0 < tuned.best_threshold_ < 1


class TestCalibration:
    def test_a_calibration_curve(self) -> None:
        classifier = DisasterTweetsClassifier(classes=(0, 1))
        display = CalibrationDisplay.from_estimator(classifier, TEXTS, TARGET, n_bins=2)
        shares, means = calibration_curve(TARGET, PROBABILITIES, n_bins=2)

        np.testing.assert_allclose(display.prob_true, shares)
        np.testing.assert_allclose(display.prob_pred, means)

    @pytest.mark.parametrize("freeze", [FrozenEstimator, lambda classifier: classifier])
    def test_it_is_calibrated_anew_on_the_users_data(self, freeze: Any) -> None:
        # A world where most of what the model calls a disaster is none.
        texts = [*DISASTERS, *CHATTER]
        labels = ["disaster"] * 2 + ["not_disaster"] * 14
        calibrated = CalibratedClassifierCV(freeze(DisasterTweetsClassifier()), cv=2)
        calibrated.fit(texts, labels)
        before = DisasterTweetsClassifier().predict_proba(DISASTERS)[:, 0]
        after = calibrated.predict_proba(DISASTERS)[:, 0]

        assert calibrated.classes_.tolist() == ["disaster", "not_disaster"]
        assert (after < before).all()


class TestEnsembles:
    @staticmethod
    def words() -> Any:
        return make_pipeline(TfidfVectorizer(), LogisticRegression())

    def test_voting_with_probabilities(self) -> None:
        words = self.words()
        voting = VotingClassifier(
            [("model", DisasterTweetsClassifier(classes=(0, 1))), ("words", words)],
            voting="soft",
        ).fit(TEXTS, TARGET)
        expected = (PROBABILITIES + words.fit(TEXTS, TARGET).predict_proba(TEXTS)[:, 1]) / 2

        np.testing.assert_allclose(voting.predict_proba(TEXTS)[:, 1], expected, atol=1e-6)

    def test_voting_with_decisions(self) -> None:
        classifier = DisasterTweetsClassifier(classes=(0, 1))
        voting = VotingClassifier([(name, classifier) for name in "abc"]).fit(TEXTS, TARGET)

        assert voting.predict(TEXTS).tolist() == classifier.predict(TEXTS).tolist()

    @pytest.mark.parametrize(
        ("cv", "classes", "y"),
        [("prefit", ("not_disaster", "disaster"), LABELS), (2, (0, 1), TARGET)],
        ids=["prefit", "cross-validated"],
    )
    def test_stacking(self, cv: Any, classes: Any, y: Any) -> None:
        words = self.words().fit(TEXTS, y)
        model = DisasterTweetsClassifier(classes=classes)
        stacking = StackingClassifier([("model", model), ("words", words)], cv=cv)
        stacking.fit(TEXTS, y)
        features = stacking.transform(TEXTS)

        assert stacking.score(TEXTS, y) > 0.9
        last_class = model.predict_proba(TEXTS)[:, 1]
        np.testing.assert_allclose(features[:, 0], last_class, atol=1e-6)


def python(*arguments: str) -> str:
    """Return what a Python process prints; one that warns or fails fails the test."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_loads_no_model() -> None:
    code = (
        "import sys\n"
        "from disaster_tweets.plugins.sklearn import DisasterTweetsClassifier\n"
        "DisasterTweetsClassifier().fit(['fire'], ['disaster'])\n"
        "print('ai_edge_litert' in sys.modules)\n"
    )

    assert python("-c", code).split() == ["False"]


def test_without_scikit_learn_the_error_names_the_extra() -> None:
    code = (
        "import sys\n"
        "sys.modules['sklearn'] = None\n"
        "try:\n"
        "    import disaster_tweets.plugins.sklearn\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )

    assert python("-c", code) == (
        "scikit-learn cannot be imported; "
        'pip install "disaster-tweets-model[sklearn]"' + os.linesep
    )
