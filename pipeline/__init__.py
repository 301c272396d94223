"""The stages of dvc.yaml, for any topic.

Only this package needs TensorFlow. The wheel does not contain this package.
"""

import os

# TensorFlow reads these variables when it is imported. The model is defined by the results of
# the processor; a GPU would round differently.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
