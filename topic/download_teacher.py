"""Stage: download the large pretrained encoder of the teachers to data/teacher."""

from __future__ import annotations

from pipeline.download_backbone import download
from pipeline.project import run_stage
from topic.project import TEACHER, params


def main() -> None:
    download(params("download_teacher"), TEACHER)


if __name__ == "__main__":
    run_stage(main)
