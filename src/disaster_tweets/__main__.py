"""``python -m disaster_tweets``: the command line."""

from disaster_tweets.cli import main

main()
