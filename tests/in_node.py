"""Runs programs of JavaScript in Node.js. Numbers go there and back exactly."""

from __future__ import annotations

import atexit
import base64
import json
import math
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import flatten

from tinygrad_attn.program.machines import NumPyMachine
from tinygrad_attn.program.write import write
from tinygrad_attn.program.writers.javascript_text import JavaScriptText

NODE = shutil.which(Path(sys.executable).with_name("node")) or shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node.js")

DRIVER = """
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));
const decoded = (v) => {
  if (v?.numbers !== undefined) return new Float64Array(bytes(v.numbers).buffer);
  return v?.number !== undefined ? decoded({ numbers: v.number })[0] : v;
};
const encoded = (v) => {
  if (typeof v === "number") v = Float64Array.of(v);
  if (typeof v !== "object") return v;
  if (!(Array.isArray(v) || ArrayBuffer.isView(v))) return each(v, encoded);
  return { numbers: Buffer.from(Float64Array.from(v).buffer).toString("base64") };
};
const each = (table, f) =>
  Object.fromEntries(Object.entries(table).map(([name, v]) => [name, f(v)]));

function trial(f) {
  try {
    return encoded(f());
  } catch (error) {
    return { error: error.constructor.name, says: error.message };
  }
}

const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  process.stdout.write(`${JSON.stringify(JSON.parse(line).map(done))}\\n`);
});

function done({ source, load, steps, show }) {
  const program = new Function(`${source}; return createProgram`)()();
  const loaded = trial(() => program.load(each(load, decoded)));
  const found = steps.map((given) => trial(() => program.step(each(given, decoded))));
  const shown = show.map((path) => {
    const tensor = path.split(".").reduce((at, name) => at[name], program);
    return { ...tensor, array: encoded(program.read(tensor)) };
  });
  return { loaded, steps: found, shown };
}
"""


@dataclass
class Job:
    """A program, and what to do with it.

    Attributes:
        load: name → numbers.
        steps: what each step is given, by name.
        show: tensors to look at in the end, such as "parameters.weight".
    """

    source: str
    load: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    show: list[str] = field(default_factory=list)


@dataclass
class Found:
    """What came of it.

    Attributes:
        loaded: None, or an error.
        steps: what each step returned, or {"error": its class, "says": its message}.
        shown: the tensors, as the program shows them.
    """

    loaded: Any
    steps: list[Any]
    shown: list[Any]


def run_all(jobs: list[Job]) -> list[Found]:
    """Runs several programs, one after the other."""
    given = json.dumps(
        [
            {
                **{"source": job.source, "load": encoded(job.load), "show": job.show},
                "steps": [encoded(given) for given in job.steps],
            }
            for job in jobs
        ]
    )
    process = node()
    process.stdin.write(given + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, "Node.js ended; what it said stands above"
    return [
        Found(job.get("loaded"), job["steps"], job["shown"])
        for job in decoded(json.loads(answer))
    ]


@cache
def node() -> Any:
    """One process for all tests: a new one takes as long as what most of them do."""
    process = subprocess.Popen(
        [str(NODE), "-e", DRIVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(ended, process)
    return process


def ended(process: Any) -> None:
    """Closes the process; it ends when it has read all."""
    process.stdin.close()
    process.wait()
    process.stdout.close()


def run(source: str, load: Any = None, steps: Any = (), show: Any = ()) -> Found:
    """Runs one program."""
    return run_all([Job(source, load or {}, [*steps], [*show])])[0]


def encoded(v: Any) -> Any:
    """Numbers as the bytes of float64; lists of lists of numbers become flat."""
    if hasattr(v, "tolist"):
        v = v.tolist()
    if isinstance(v, dict):
        return {name: encoded(inner) for name, inner in v.items()}
    if isinstance(v, (bool, int, float)):
        return {"number": packed([v])}
    if isinstance(v, list):
        return {"numbers": packed(flatten(v))}
    return v.inner if isinstance(v, AsItIs) else v


@dataclass
class AsItIs:
    """What goes to Node.js as JSON."""

    inner: Any


def packed(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode()


def decoded(v: Any) -> Any:
    """What Node.js sends, with lists of floats."""
    if isinstance(v, list):
        return [decoded(inner) for inner in v]
    if not isinstance(v, dict):
        return v
    if "numbers" in v:
        data = base64.b64decode(v["numbers"])
        return [*struct.unpack(f"<{len(data) // 8}d", data)]
    return {name: decoded(inner) for name, inner in v.items()}


# --- programs of the engine ----------------------------------------------------------

JS = "javascript"


def numbers_of(step):
    """What a program has to load: name → numbers."""
    return {b.name: t.tolist() for t, b in step.program.leaves.items()}


def job_of(step, *given, show=()):
    """A program with the model's numbers, and what it is given at each step."""
    return Job(step.source, numbers_of(step), [*given], [*show])


def job(function, inputs, *given):
    """A program of a function; it is given the examples, if nothing else."""
    return job_of(write(function, inputs, target=JS), *(given or [inputs]))


def assert_near(what, got, want, tolerance=1e-12):
    """Numbers are equal up to rounding, relative to the largest of them; nan and inf
    are where they should be."""
    if "k_proj_bias" in str(what):
        want = [*flatten(want), 1.0]  # its gradient is 0, but for rounding: a softmax
        got = [*flatten(got), 1.0]  # takes no notice of what is added to all energies
    got, want = ([float(v) for v in flatten(x)] for x in (got, want))
    assert len(got) == len(want), what
    scale = max([abs(v) for v in want if math.isfinite(v)], default=1.0)
    for a, b in zip(got, want):
        if not (a == b or (a != a and b != b)):
            assert abs(a - b) <= tolerance * scale, f"{what}: {a}, not {b}"


def outputs(found, which=0):
    """What a step returned beside a loss, in order."""
    step = found.steps[which]
    assert "error" not in step, step
    return [*step["outputs"].values()]


class NodeMachine(NumPyMachine):
    """Runs a program's text of JavaScript, for tests of all languages: each run loads
    what lasts, and takes it back from there."""

    name = "javascript"

    def __init__(self, program):
        super().__init__(program)
        writer = JavaScriptText(program)
        self.results = [
            writer.shown(v).removeprefix("program.") for v in program.results
        ]
        self.text = writer.text()
        inputs = {array.buffer: name for name, array in program.draft.inputs.items()}
        self.given = [inputs.get(b, b.name) for b in program.given]
        self.lasting = {b: f"{group(b)}.{b.name}" for b in program.leaves.values()}
        for part in program.parts:
            self.lasting |= {b: f"state.{b.name}" for b in part.slots.values()}

    def run(self, given, scalars):
        load = {b.name: self.arrays[b] for b in self.lasting}
        step = dict(zip(self.given, given))
        step |= {b.name: v for b, v in zip(self.program.scalars, scalars)}
        show = [*self.lasting.values(), *self.results]
        found = run(self.text, load, [step], show)
        (returned,) = found.steps
        if "error" in returned:
            kinds = {"RangeError": IndexError, "Error": RuntimeError}
            raise kinds[returned["error"]](returned["says"])
        arrays = [array_of(tensor) for tensor in found.shown]
        for buffer, array in zip(self.lasting, arrays):
            self.arrays[buffer][...] = array
        return tuple(arrays[len(self.lasting) :])


def group(buffer):
    return "constants" if buffer.role == "constant" else "parameters"


def array_of(tensor):
    """A tensor that was shown, as an array of NumPy."""
    import numpy

    found = numpy.array(tensor["array"], tensor["dtype"])
    return found.reshape([*map(int, tensor["shape"])])
