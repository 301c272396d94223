"""Bulk scoring: files in, the same files with two more columns out.

`job` runs it; a module for each kind of file reads rows and writes them with their scores.
"""

from disaster_tweets.errors import DisasterTweetsError

FORMATS = ("csv", "tsv", "jsonl", "txt", "parquet")


class FileError(DisasterTweetsError):
    """A file cannot be read, scored or written: the message names it, and the row."""
