"""Stage: train the student on the texts and targets that the assistant wrote.

The weights are in models/student.safetensors.
"""

from __future__ import annotations

import numpy as np

from disaster_tweets.tokenizer import Tokenizer
from pipeline import training
from pipeline.feature_distillation import loss_with_features, predicting_features
from pipeline.project import (
    LABELLED_BY_ASSISTANT,
    MODELS,
    PLOTS,
    REPORTS,
    PipelineError,
    params,
    run_stage,
    write_json,
)
from pipeline.splits import hard, read_split, targets
from pipeline.targets import read_table, repeated


def main() -> None:
    settings = params("model", "training", "student")
    if settings["layers"] or not settings["filters"] or not settings["hidden"]:
        raise PipelineError(
            "params.yaml: a student can be exported only without layers, with filters and with "
            "hidden units; set student.layers to [], and student.filters and student.hidden "
            "above 0"
        )
    environment = training.set_up_tensorflow(settings)
    train, calibration = read_split("train"), read_split("calibration")
    model, shape, pieces = training.new_model(list(train["text"]), settings)
    tokenizer = Tokenizer(pieces, settings["max_tokens"])

    learned = read_table(LABELLED_BY_ASSISTANT / "train.csv")
    features = np.load(LABELLED_BY_ASSISTANT / "features.npy")
    texts, of_texts = repeated(
        list(learned["text"]),
        np.column_stack([targets(learned).astype(np.float32), features]),
        learned["repeats"].to_numpy(int),
    )
    batches = training.Batches(texts, of_texts, tokenizer, settings)
    validation = None
    if len(calibration):
        validation = training.in_order(
            calibration["text"],
            hard(targets(calibration)),
            tokenizer,
            settings["batch_size"],
        )

    PLOTS.mkdir(parents=True, exist_ok=True)
    measured = training.fit(
        predicting_features(model, features.shape[1]),
        batches,
        settings,
        validation,
        PLOTS / "training.csv",
        loss_with_features(shape.outputs, settings["features"]),
    )
    write_json(REPORTS / "training.json", measured)
    training.save("student", model, shape, pieces)
    write_json(MODELS / "environment.json", environment)


if __name__ == "__main__":
    run_stage(main)
