"""The stages of dvc.yaml. The only place that imports TensorFlow; not in the wheel."""

import os

# TensorFlow reports each start at length unless told otherwise before its import.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
