"""The command line: parsing and exit codes only; what a command does is somewhere else.

Results go to standard output; progress, tables and messages to standard error. Exit codes: 0 it went well;
1 what was asked for failed; 2 a mistake in what was given, named in the message; 130 interrupted.
"""

from beffroi.cli import backtest, machine, manual, measure, numbers, outbox, sites, views
from beffroi.cli.app import app

__all__ = ["app", "backtest", "machine", "manual", "measure", "numbers", "outbox", "sites", "views"]
