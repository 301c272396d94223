"""The simplest service around the Keras model, as the reference for service.py.

python benchmarks/keras_service.py PORT
"""

from __future__ import annotations

import sys

import keras_classifier
from flask import Flask, request

predict = keras_classifier.load()
app = Flask(__name__)


@app.post("/predict")
def respond() -> dict[str, list[dict[str, float]]]:
    """Answer in the shape of ours."""
    return {"predictions": [{"probability": p} for p in predict(request.get_json()["data"])]}


if __name__ == "__main__":
    predict(["the first call compiles"])
    app.run(port=int(sys.argv[1]))
