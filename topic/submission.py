"""Stage: score the competition's test tweets, in the format of its sample submission."""

from __future__ import annotations

import numpy as np
import pandas as pd

from disaster_tweets.classifier import Classifier
from disaster_tweets.topic import LABELS
from pipeline.prepare import read_raw
from pipeline.project import ARTIFACTS, REPORTS, PipelineError, run_stage


def main() -> None:
    test = read_raw("test.csv", "id", "text")
    sample = read_raw("sample_submission.csv", "id", "target")
    if list(test["id"]) != list(sample["id"]):
        raise PipelineError("data/raw/test.csv and sample_submission.csv differ in their ids")
    predictions = Classifier.load(ARTIFACTS).predict(test["text"])
    positive = [prediction.label == LABELS[1] for prediction in predictions]
    submission = pd.DataFrame({"id": test["id"], "target": np.array(positive, int)})
    submission.to_csv(REPORTS / "submission.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    run_stage(main)
