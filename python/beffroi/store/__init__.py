"""What happened, kept: alerts, their changes, what must still be sent, counts and runs."""

from beffroi.store.writer import Change, Outgoing, RunFacts, RunOutcome, Store

__all__ = ["Change", "Outgoing", "RunFacts", "RunOutcome", "Store"]
