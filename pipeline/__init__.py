"""The stages of dvc.yaml, for any topic. They alone import TensorFlow; no wheel has them."""

import os

# Read by TensorFlow at its import. The model is defined by what the processor computes: a
# GPU, where there is one, would round differently.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
