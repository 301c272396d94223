"""``python -m disaster_tweets``: the command line."""

from disaster_tweets.cli import main

if __name__ == "__main__":  # and not where a process that scores looks into it
    main()
