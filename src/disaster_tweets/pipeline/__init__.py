"""The stages of dvc.yaml. The only place that imports TensorFlow; not in the wheel."""
