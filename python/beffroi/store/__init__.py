"""What happened, kept: alerts, their changes, what must still be sent, counts and runs."""

from beffroi.store.writer import Aggregate, Change, Outgoing, RunFacts, RunOutcome, Store

__all__ = ["Aggregate", "Change", "Outgoing", "RunFacts", "RunOutcome", "Store"]
