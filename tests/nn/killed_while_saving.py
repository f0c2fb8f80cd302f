"""A program that has children save over and over, and kills them: see
test_killed_while_saving.py.

    python killed_while_saving.py FILE random|lines|careless

It prints a line of JSON: how many were killed, with how many steps saved in all, and
the most temporary files that were ever there. It stops at the first checkpoint that is
not one of those that were saved, with status 1.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from nn import checkpoint, tensor_file
from tinygrad_attn import full, whole_file

KILLS = 80
SIZE = 6_000  # numbers: of every ten kills some come while they are written


def save(path: Path, step: int) -> None:
    """A checkpoint in which everything tells the step."""
    weights = {"a": full(SIZE, step), "b": full((2, 3), step)}
    checkpoint.save(path, weights, config={"step": step})


def check(path: Path) -> int:
    """The step that the file tells, if all of it tells the same."""
    saved = checkpoint.load(path)
    step = saved.config["step"]
    for t in saved.weights.values():
        if set(t.reshape(-1).tolist()) != {float(step)}:
            raise ValueError(f"{path} is not of step {step} alone")
    return int(step)


def save_until_killed(path: Path, step: int) -> None:
    while True:
        step += 1
        save(path, step)


def save_until_line(path: Path, step: int, line: int) -> None:
    """Saves once, and is killed before the line-th line that the saving runs."""
    left = line

    def trace(frame, event, argument):  # type: ignore[no-untyped-def]
        nonlocal left
        if frame.f_code.co_filename not in (tensor_file.__file__, whole_file.__file__):
            return None
        if event == "line":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    save(path, step + 1)
    os._exit(0)


def careless(
    target: Path, chunks: Iterable[bytes], filled_in: tuple[int, Callable[[], bytes]]
) -> None:
    """What `whole_file.write` would be without care."""
    content = b"".join(chunks)
    at, late = filled_in[0], filled_in[1]()
    content = content[:at] + late + content[at + len(late) :]
    with open(target, "wb", buffering=4096) as file:
        for start in range(0, len(content), 4096):
            file.write(content[start : start + 4096])


def stamp(path: Path) -> tuple[int, int]:
    """Which file has the name now, and since when."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def wait_for_another(path: Path, before: tuple[int, int]) -> None:
    """Returns once a save has come through, or after some seconds."""
    deadline = time.perf_counter() + 10.0
    while stamp(path) == before and time.perf_counter() < deadline:
        time.sleep(0.0005)


def main(path: Path, how: str) -> int:
    if how == "careless":
        whole_file.write = careless
    chance = random.Random(0)
    step, killed, most, ended = 1, 0, 0, False
    save(path, step)
    began = time.perf_counter()
    save(path, step)
    usual = time.perf_counter() - began
    while not (ended if how == "lines" else killed == KILLS):
        before = stamp(path)
        child = os.fork()
        if not child:
            if how == "lines":
                save_until_line(path, step, killed + 1)
            save_until_killed(path, step)
        if how != "lines":
            if chance.random() < 0.5:  # whatever else the machine does, some are saved
                wait_for_another(path, before)
            time.sleep(chance.uniform(0.0, 2 * usual))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        ended = os.WIFEXITED(status)
        killed += not ended
        try:
            found = check(path)
        except (ValueError, OSError) as error:
            print(f"after {killed} kills: {error}", file=sys.stderr)
            return 1
        if found < step:
            print(f"step {step} was there, now {found}", file=sys.stderr)
            return 1
        step = found
        most = max(most, len(list(path.parent.iterdir())) - 1)
    save(path, step + 1)
    left = sorted(p.name for p in path.parent.iterdir())
    print(json.dumps({"killed": killed, "step": step, "most": most, "left": left}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
