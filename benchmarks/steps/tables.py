"""What people read: the table of all contestants."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from statistics import median

from examples.terminal import tell

from .contestants import Contestant
from .measuring import Results
from .workloads import Workload

NOTHING = "–"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def show(text: str) -> None:
    """Prints what was told: sentences in the width of a terminal, and tables, whose
    columns are two blanks apart, as they are."""
    for line in text.splitlines():
        if "  " in line.strip():
            print(line)
        else:
            tell(line)
    sys.stdout.flush()


def duration(seconds: float) -> str:
    """0.00123 → "1.23 ms": three digits that count."""
    unit, value = "µs", seconds * 1e6
    for larger in ("ms", "s"):
        if value >= 1000:
            unit, value = larger, value / 1000
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"


def factor(ratio: float) -> str:
    """A ratio, with two or three digits that count."""
    return f"{ratio:.{0 if ratio >= 10 else 1 if ratio >= 2 else 2}f}"


def ratios(measured: dict[Workload, Results]) -> str:
    """One table: a row for each of ours, a column for each peer."""
    some = next(iter(measured.values()))
    peers = [r.contestant for r in some.values() if not r.contestant.ours]
    rows = [["", *(p.title for p in peers), "time a step"]]
    for w, results in measured.items():
        rows.append([w.name, *[""] * (len(peers) + 1)])
        for key, result in results.items():
            if result.contestant.ours:
                row = [cell(results, p, key) for p in peers]
                time = NOTHING if result.missing else duration(result.seconds)
                rows.append([f"  {result.contestant.title}", *row, time])
        times = [results[p.key] for p in peers]
        rows.append(
            [
                "  their time a step",
                *(NOTHING if r.missing else duration(r.seconds) for r in times),
                "",
            ]
        )
    return table(rows)


def cell(results: Results, peer: Contestant, ours: str) -> str:
    """A peer's time / ours."""
    a, b = results[ours], results[peer.key]
    return NOTHING if a.missing or b.missing else factor(b.ratio(a))


def missing(measured: dict[Workload, Results]) -> list[str]:
    """A line for each contestant that is not there, or not for a workload."""
    found: dict[str, list[str]] = {}
    for w, results in measured.items():
        for r in results.values():
            if r.missing:
                said = f"{r.contestant.title}: {r.missing}"
                found.setdefault(said, []).append(w.name)
    everywhere = [w.name for w in measured]
    return [
        said if names == everywhere else f"{said} ({', '.join(names)})"
        for said, names in found.items()
    ]


def noise(measured: dict[Workload, Results]) -> list[str]:
    """How far a contestant's own times lie apart, and who used more than one core."""
    there = [
        (w, r) for w, results in measured.items() for r in results.values() if r.times
    ]
    if not there:
        return []
    spans = [(r.quartiles[1] - r.quartiles[0]) / r.seconds for _, r in there]
    said = [
        "Noise: the middle half of a contestant's times spans "
        f"{median(spans):.0%} of their median; at worst {max(spans):.0%}."
    ]
    least = min(r.cores for _, r in there)
    if least < 0.9:
        said.append(f"The machine was busy: one of them had {least:.0%} of a core.")
    for w, r in there:
        if r.cores > 1.1:
            said.append(f"{r.contestant.title} used {r.cores:.1f} cores ({w.name}).")
    return said


def steps(measured: dict[Workload, Results]) -> str:
    """All that is to be read of the workloads."""
    packages = dict.fromkeys(
        r.package for results in measured.values() for r in results.values()
    )
    return "\n".join(
        [
            "One training step: forward, cross-entropy, backward, AdamW; float32 (the "
            "Python program: float64), one thread. A peer's time / ours: above 1, ours "
            "is faster.",
            "",
            *map(str, measured),
            "",
            ratios(measured),
            "",
            *missing(measured),
            *noise(measured),
            f"With {', '.join(p for p in packages if p)}.",
        ]
    )
