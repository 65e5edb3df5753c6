"""The measure of all ratios: a Flask route that answers with a constant."""

from flask import Flask

application = Flask(__name__)


@application.get("/")
def hello() -> str:
    return "Hello"
