"""`python -m goldkit`: the commands behind the Makefile."""

from goldkit.cli import app

app()
