"""What happened, kept: alerts, their changes, what must still be sent, counts and runs."""

from beffroi.store.backlog import Backlog, BacklogFull
from beffroi.store.claim import Claim
from beffroi.store.records import Aggregate, Change, Outgoing, RunFacts, RunOutcome
from beffroi.store.trouble import StoreTrouble
from beffroi.store.writer import Keeper, Store

__all__ = [
    "Aggregate",
    "Backlog",
    "BacklogFull",
    "Change",
    "Claim",
    "Keeper",
    "Outgoing",
    "RunFacts",
    "RunOutcome",
    "Store",
    "StoreTrouble",
]
