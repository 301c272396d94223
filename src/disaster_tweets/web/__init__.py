"""The web page and the HTTP service: a Flask application and the server that runs it."""

from disaster_tweets.web.app import create_app

__all__ = ["create_app"]
