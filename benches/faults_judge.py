"""What a run through faults says of each: what was seen, how soon, and which alerts were lost or invented."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from benches.faults_cases import LOADED_S, Case
from benches.faults_run import AWAY_S, DISK_S, Played
from benches.faults_street import PERIOD_S, events

LATE_S = 3.0
"""How much later than an event its alert may come: bursts hold pictures back for 2 s."""
APART_S = 0.35
"""How far a dated alert may be from its event: pictures are 0.2 s apart."""
SETTLE_S = 0.5
STOP_S = 5.0


@dataclass
class Row:
    """One fault; times in seconds, None where there is nothing to time."""

    fault: str
    notice_s: float | None = None
    recover_s: float | None = None
    due: int = 0
    lost: int = 0
    invented: int = 0
    seen: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    wrong: list[str] = field(default_factory=list)


def judged(case: Case, played: Played) -> Row:
    """The row of a camera."""
    row = Row(case.name)
    states = played.states.get(case.name, [])
    zero = played.plays.get(case.name) if case.from_play else played.began_s
    if zero is None or not states:
        row.wrong.append("never played")
        return row
    watched_s = next((at for at, state, _ in states if state == "watching"), None)
    begins_s = None if case.begins_s is None else zero + case.begins_s
    heals_s = None if case.heals_s is None else zero + case.heals_s
    told = [(at, one) for at, one in played.told if one["camera"] == case.name]
    row.said = tuple(
        dict.fromkeys(
            _plain(line, case)
            for at, line in played.logged
            if case.name == line.split(": ")[1]
            and not line.startswith("info")
            and at < played.stopping_s
            and (begins_s is None or at >= begins_s - 0.1)
        )
    )
    _seen(row, case, played, begins_s, told)
    if watched_s is None:
        row.wrong.append("is never watched")
        return row
    free = [(watched_s + SETTLE_S, played.stopping_s - LATE_S)]
    if begins_s is not None and heals_s is not None:
        over_s = _over(case, played, begins_s, heals_s)
        if over_s is None:
            row.wrong.append("is not watched again")
            over_s = played.stopping_s
        row.recover_s = over_s - heals_s
        if row.recover_s > case.recover_s:
            row.wrong.append(f"over after {row.recover_s:.1f} s, at most {case.recover_s:.1f}")
        free = [
            (watched_s + SETTLE_S, begins_s),
            (max(over_s, watched_s) + SETTLE_S, played.stopping_s - LATE_S),
        ]
    _alerts(row, case, played, free, begins_s, told)
    if row.lost:
        row.wrong.append(f"{row.lost} of {row.due} alerts lost")
    if row.invented:
        row.wrong.append(f"{row.invented} alerts invented")
    if not row.due:
        row.wrong.append("no alert was due: nothing is shown")
    return row


def _plain(line: str, case: Case) -> str:
    """A line of the log without the name of the camera."""
    level, _, rest = line.partition(": ")
    return f"{level}: {rest.removeprefix(case.name + ': ')}"


def _seen(row: Row, case: Case, played: Played, begins_s: float | None, told: list) -> None:
    since_s = played.began_s if begins_s is None else begins_s
    signs = [
        (at, state)
        for at, state, _ in played.states[case.name]
        if at >= since_s and state not in {"watching"} and not (begins_s is None and state == "connecting")
    ]
    signs += [(at, one["type"]) for at, one in told if one["type"] != "intrusion" and at >= since_s]
    signs.sort()
    row.seen = tuple(dict.fromkeys(sign for _, sign in signs))
    if case.seen:
        noticed_s = next((at for at, sign in signs if sign in case.seen), None)
        if noticed_s is None:
            row.wrong.append(f"none of {', '.join(case.seen)} is seen")
        else:
            row.notice_s = noticed_s - since_s
            if row.notice_s > case.notice_s:
                row.wrong.append(f"noticed after {row.notice_s:.1f} s, at most {case.notice_s:.1f}")
    elif begins_s is None and any(sign not in {"connecting"} for sign in row.seen):
        row.wrong.append(f"{', '.join(row.seen)} without a reason")
    open_ends = Counter(one["type"] for _, one in told if one["change"] == "started")
    open_ends.subtract(one["type"] for _, one in told if one["change"] == "ended")
    for kind, count in open_ends.items():
        if count:
            row.wrong.append(f"{kind}: {count} more started than ended")


def _over(case: Case, played: Played, begins_s: float, heals_s: float) -> float | None:
    """When the camera is watched for good again; None if never."""
    states = [each for each in played.states[case.name] if each[0] < played.stopping_s]
    away = [at for at, state, _ in states if state != "watching" and at >= begins_s]
    after = [at for at in played.pictures.get(case.name, []) if at > max([heals_s, *away])]
    return after[0] if after else None


def _alerts(
    row: Row,
    case: Case,
    played: Played,
    free: list[tuple[float, float]],
    begins_s: float | None,
    told: list,
) -> None:
    starts = [
        (at, one["at_ms"] / 1000)
        for at, one in told
        if one["type"] == "intrusion" and one["change"] == "started"
    ]
    clip_s = played.clips_s[case.server]
    shifted_s = begins_s if case.shifts and begins_s is not None else None
    used: Counter[int] = Counter()
    # Every event of the run, with the moments at which it came and went.
    every = events(clip_s, played.began_s - PERIOD_S, played.stopping_s + PERIOD_S)
    if shifted_s is not None:
        every = [one for one in every if one[1] <= shifted_s]
        every += events(shifted_s, shifted_s, played.stopping_s + PERIOD_S)
    for at, dated in starts:
        which = None
        for number, (comes, goes) in enumerate(every):
            told_in_time = comes <= at <= goes + LATE_S
            is_dated = not case.dated or comes - APART_S <= dated <= goes + APART_S
            if told_in_time and is_dated:
                which = number
        if which is None:
            row.invented += 1
        else:
            used[which] += 1
    for number, (comes, goes) in enumerate(every):
        if any(since <= comes and goes <= until for since, until in free):
            row.due += 1
            row.lost += used[number] == 0
            row.invented += max(0, used[number] - 1)


def of_all(played: Played) -> list[Row]:
    """What all cameras share: the store, the sink, the stop."""
    told = {(one["id"], one["change"]) for _, one in played.told}
    rows = []
    for name, got, hours in (
        (f"store {played.disk} for {DISK_S[1] - DISK_S[0]:g} s", played.kept, DISK_S),
        (f"sink away for {AWAY_S[1] - AWAY_S[0]:g} s", played.sent, AWAY_S),
    ):
        row = Row(name, due=len(told), lost=len(told - set(got)))
        row.invented = len(set(got) - told) + len(got) - len(set(got))
        begins_s, heals_s = (played.began_s + each for each in hours)
        word = "sink" if name.startswith("sink") else "store"
        lines = [
            (at, line)
            for at, line in played.logged
            if at >= begins_s and word in line and not line.startswith("info")
        ]
        row.said = tuple(dict.fromkeys(line for _, line in lines))
        if lines:
            row.notice_s = lines[0][0] - begins_s
            row.seen = ("log",)
        back = [at for at, line in lines if "writes again" in line]
        if word == "sink":
            back = [at for at in played.sent_s if at >= heals_s]
        row.recover_s = back[0] - heals_s if back else None
        if row.lost or row.invented:
            row.wrong.append(f"{row.lost} lost, {row.invented} invented")
        if not lines:
            row.wrong.append("nothing is said")
        rows.append(row)
    steady = [name for name in played.pictures if name.startswith("nothing")]
    gaps = [
        after - before
        for name in steady
        for before, after in zip(played.pictures[name], played.pictures[name][1:], strict=False)
        if after < played.stopping_s
    ]
    row = Row(f"stopped with {len(played.states)} cameras", recover_s=played.ended_s - played.stopping_s)
    row.said = (f"longest pause of a healthy camera beside all that: {max(gaps, default=0):.2f} s",)
    if row.recover_s is None or row.recover_s > STOP_S + LOADED_S:
        row.wrong.append(f"took {row.recover_s:.1f} s to stop")
    ends = Counter(identity for identity, change in played.kept if change == "ended")
    unended = [identity for identity, change in played.kept if change == "started" and not ends[identity]]
    if unended:
        row.wrong.append(f"{len(unended)} incidents in the store never end")
    if played.report is not None and played.report.lost:
        row.wrong.append(f"the report says that {played.report.lost} changes are lost")
    return [*rows, row]
