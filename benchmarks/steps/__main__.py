"""The command line.

python -m benchmarks.steps [--json FILE] [--out FOLDER] [--growth] [--ops] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import examples.interpreter  # first: it refuses an old Python
from examples import terminal
from examples.files import check_file, check_folder, name_of_file, name_of_folder
from examples.options import Parser, check_numpy

from . import growth, memory, operations, picture, startup, tables
from .contestants import CONTESTANTS
from .measuring import Results, Settings, compared
from .workers import ONE_THREAD, runs
from .workloads import WORKLOADS, Workload

QUICK = Settings(rounds=1, seconds=0.001)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m benchmarks.steps",
        description="Times training steps beside those of other libraries.",
    )
    add = parser.add_argument
    names = ", ".join(WORKLOADS)
    add("--workloads", default=",".join(WORKLOADS), help=f"of {names}; all by default")
    keys = ", ".join(CONTESTANTS)
    add("--contestants", default=",".join(CONTESTANTS), help=f"of {keys}")
    add("--rounds", type=rounds, default=15, help="blocks of each contestant (15)")
    add("--json", type=name_of_file, metavar="FILE", help="writes all numbers there")
    add("--out", type=name_of_folder, metavar="FOLDER", help="draws pictures there")
    add("--peers", metavar="PYTHON", help="the interpreter that has the peers")
    add("--cpu", action="store_true", help="the processor's time, on a busy machine")
    add("--steps-only", action="store_true", help="no start-up times, no memory")
    add("--growth", action="store_true", help="how time grows with the model's sizes")
    add("--ops", action="store_true", help="small operations, one by one")
    add("--quick", action="store_true", help="one short round: only whether it runs")
    options = parser.parse_args(argv)
    options.contestants = chosen("contestants", options.contestants, CONTESTANTS)
    options.workloads = chosen("workloads", options.workloads, WORKLOADS)
    if options.peers is not None and not runs(options.peers):
        raise ValueError(f"--peers {options.peers!r} given; it is no Python that runs")
    check_numpy("this benchmark")
    if options.out:
        pictures = ["steps.svg"] + ["growth.svg"] * options.growth
        options.out = check_folder("--out", options.out, *pictures)
    if options.json:
        options.json = Path(options.json)
        check_folder("--json", str(options.json.parent))
        check_file("--json", options.json)
    return options


def rounds(text: str) -> int:
    """How many blocks: one at least."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} given; it must be 1 or more")
    return int(text)


def chosen(what: str, given: str, known: dict[str, Any]) -> list[Any]:
    """What a list of names stands for."""
    names = [name for name in given.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"--{what} {given!r} given; it must be of {', '.join(known)}")
    return [known[name] for name in names]


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        models = [s.partition(":")[2].strip() for s in lines if "model name" in s]
        model = models[0] if models else model
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load": load,
        "python": platform.python_version(),
        "threads": 1,
        "environment": ONE_THREAD,
    }


def steps(measured: dict[Workload, Results]) -> dict[str, Any]:
    """The workloads, as JSON can say them."""
    found = {}
    for w, results in measured.items():
        there = {k: r for k, r in results.items() if not r.missing}
        found[w.name] = {
            "workload": w.plain(),
            "contestants": {k: r.plain() for k, r in results.items()},
            "ratios": {
                ours: {
                    peer: there[peer].ratio(there[ours])
                    for peer in there
                    if not there[peer].contestant.ours
                }
                for ours in there
                if there[ours].contestant.ours
            },
        }
    return found


def program(argv: Sequence[str] | None) -> int:
    options = parse(argv)
    settings = QUICK if options.quick else Settings(rounds=options.rounds)
    settings = replace(settings, peers=options.peers, cpu=options.cpu)
    clock = "processor" if options.cpu else "wall"
    found: dict[str, Any] = {"machine": machine(), "clock": clock}
    measured = {
        w: compared(w, options.contestants, settings) for w in options.workloads
    }
    if all(r.missing for results in measured.values() for r in results.values()):
        raise ValueError(f"nothing to measure: {'; '.join(tables.missing(measured))}")
    found["steps"] = steps(measured)
    tables.show(tables.steps(measured))
    pictures = []
    if options.out:
        path = options.out / "steps.svg"
        pictures.append(picture.draw_steps(found["steps"], path))
    if not options.steps_only:
        found["startup"] = {
            "training": startup.training(settings),
            "writing": startup.writing(settings),
        }
        tables.show(f"\n{startup.told(found['startup'])}")
        found["memory"] = memory.measured(settings)
        tables.show(f"\n{memory.told(found['memory'])}")
    if options.growth:
        found["growth"] = growth.measured(settings)
        tables.show(f"\n{growth.told(found['growth'])}")
        if options.out:
            path = options.out / "growth.svg"
            pictures.append(picture.draw_growth(found["growth"], path))
    if options.ops:
        found["operations"] = operations.measured(settings)
        tables.show(f"\n{operations.told(found['operations'])}")
    print("", *pictures, sep="\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return terminal.run("benchmarks.steps", partial(program, argv))


if __name__ == "__main__":
    examples.interpreter.begin({"numpy"})
    sys.exit(main())
