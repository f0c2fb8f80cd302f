"""An example and its terminal: what it prints in any encoding and into any pipe, a
progress line, Ctrl-C, and how it ends."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from textwrap import fill
from typing import Any

from tinygrad_attn.printing import ERRORS

# === How a program begins and ends ====================================================


def run(name: str, work: Callable[[], int]) -> int:
    """The exit status of a program: what work() returns; 2, after one line, at an
    error; 130, after one line, at Ctrl-C."""
    with printing_anywhere(), telling_of_fallbacks(name):
        choose_one_thread()
        try:
            status = work()
            sys.stdout.flush()
            return status
        except KeyboardInterrupt as stop:  # it may bring what to say
            sys.stderr.write(f"\n{wrapped(str(stop) or 'stopped', sys.stderr)}\n")
            return 130
        except MemoryError as error:
            complain(name, f"out of memory; choose a smaller model ({error})")
        except (ValueError, TypeError, RuntimeError, OSError) as error:
            complain(name, str(error))
        return 2


def complain(name: str, text: str) -> None:
    """One line on standard error, or as many as a narrow terminal needs."""
    sys.stdout.flush()
    one_line = " ".join(filter(None, map(str.strip, text.splitlines())))
    sys.stderr.write(f"{wrapped(f'{name}: {one_line}', sys.stderr)}\n")


@contextmanager
def telling_of_fallbacks(name: str) -> Iterator[None]:
    """Inside, one line says it if a program runs in another language than was asked
    for; other warnings are shown as ever."""
    before = warnings.showwarning

    def show(message: Any, category: type[Warning], *where: Any) -> None:
        from tinygrad_attn.program.compiling import Fallback  # seldom needed

        if isinstance(message, Fallback):
            complain(name, f"{message.why}; {message.instead}")
        else:
            before(message, category, *where)

    warnings.showwarning = show  # type: ignore[assignment]
    try:
        yield
    finally:
        warnings.showwarning = before


def tell(text: str) -> None:
    """A sentence on standard output; on a terminal no word of it is cut in two."""
    print(wrapped(text, sys.stdout))


def wrapped(text: str, stream: Any) -> str:
    """A sentence in the lines that a terminal has room for; elsewhere it is one line.
    No word is broken, and the blanks within a line stay as they are."""
    width = columns(stream) if stream.isatty() else 0
    if not width or len(text) <= width:
        return text
    return fill(
        text,
        width,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def choose_one_thread() -> None:
    """NumPy's products run on one thread, unless the user has said how many.

    The matrices here are so small that OpenBLAS's threads mostly wait for one another:
    on a busy machine the encoder-decoder took 40 s with them, and 3.7 s without. NumPy
    reads this once, when it is imported, so it must be set before.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@contextmanager
def printing_anywhere() -> Iterator[None]:
    """Inside, nothing that is printed can end the program, whatever reads it."""
    before = sys.stdout, sys.stderr
    streams: list[Any] = [Output(stream) for stream in before]
    sys.stdout, sys.stderr = streams
    try:
        yield
    finally:
        for stream in streams:
            stream.close()
        sys.stdout, sys.stderr = before


class Output:
    """Standard output or error, for every place that an example may be run in.

    A character that the encoding lacks is written in ASCII (→ as ->). Where the reader
    has gone, as in `| head`, or the stream was closed from the start, the text is
    dropped and the work goes on: it may have a model to save.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream if stream is not None else open(os.devnull, "w")
        self.owned = stream is None
        self.errors = getattr(self.stream, "errors", None)
        self._write_with(ERRORS)

    def _write_with(self, errors: str | None) -> None:
        if errors is not None and hasattr(self.stream, "reconfigure"):
            self.stream.reconfigure(errors=errors)

    def write(self, text: str) -> int:
        try:
            self.stream.write(text)
        except OSError as error:
            self._drop(error)
        return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        """Sends what is still in the buffer, and all that comes, nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)
        gone = error.errno in (errno.EPIPE, errno.EIO)  # EIO: the terminal was closed
        if not gone and os.name != "nt":
            raise error  # such as a full disk

    def close(self) -> None:
        """Gives the stream back as it was."""
        try:
            self.stream.flush()
        except OSError as error:
            self._drop_quietly(error)
        self._write_with(self.errors)
        if self.owned:
            self.stream.close()

    def _drop_quietly(self, error: OSError) -> None:
        with suppress(OSError):
            self._drop(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


# === Ctrl-C ===========================================================================

ENDS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, `kill`, a window that is closed


@contextmanager
def noting_ctrl_c(wanted: bool = True) -> Iterator[list[int]]:
    """Within it a first Ctrl-C is only noted, in the list, for whoever looks there; a
    second one interrupts as usual. If it is not wanted, so does the first. `kill` and a
    terminal that is closed count as Ctrl-C."""
    noted: list[int] = []
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield noted
        return
    numbers = [getattr(signal, name) for name in ENDS if hasattr(signal, name)]
    handlers = {n: signal.getsignal(n) for n in numbers}
    before = {n: h for n, h in handlers.items() if h is not None}  # None: not Python's

    def as_before() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: object) -> None:
        noted.append(number)
        as_before()

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup stays so
            signal.signal(number, note)
    try:
        yield noted
    finally:
        as_before()


# === Progress =========================================================================

BAR = 24  # the longest bar
SHORTEST = 6  # a shorter bar shows nothing


def fit(share: float, facts: list[str], width: int) -> str:
    """One line of at most so many columns: a bar, and as many facts as there is room
    for, the first ones first. The bar gives way to the first two.

    >>> fit(0.5, ["step 55", "loss 0.0321", "12.3 steps/s"], 60)
    ' 50% ██████████░░░░░░░░░░ step 55  loss 0.0321  12.3 steps/s'
    >>> fit(0.5, ["step 55", "loss 0.0321", "12.3 steps/s"], 36)
    ' 50% █████░░░░░ step 55  loss 0.0321'
    >>> fit(0.5, ["step 55", "loss 0.0321", "12.3 steps/s"], 30)
    'step 55  loss 0.0321'
    >>> fit(0.5, ["step 55", "loss 0.0321", "12.3 steps/s"], 10)
    'step 55'
    """
    for count in range(len(facts), 1, -1):
        text = "  ".join(facts[:count])
        room = width - len("100%  ") - len(text)
        if room >= SHORTEST:
            length = min(BAR, room)
            full = round(length * min(max(share, 0.0), 1.0))
            return f"{share:4.0%} {'█' * full}{'░' * (length - full)} {text}"
    for count in range(len(facts), 0, -1):
        text = "  ".join(facts[:count])
        if len(text) <= width:
            return text
    return facts[0][:width]


class Progress:
    """A line that says how far a training is, drawn over itself; where there is no
    terminal, a line every few seconds.

        with Progress() as progress:
            progress.update(share, "loss 0.5")          # once after each step
    """

    def __init__(self, step: int = 0) -> None:
        self.step, self.first = step, step
        self.began = self.drawn = time.perf_counter()
        self.share, self.facts = 0.0, list[str]()
        self.line = ""  # what stands on the terminal
        self.live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Progress:
        sys.stdout.flush()  # what was said before stands before
        self.show = warnings.showwarning
        warnings.showwarning = self._warn  # type: ignore[assignment]
        return self

    def __exit__(self, *error: object) -> None:
        """Ends with the last step; whatever comes next has a line of its own."""
        if warnings.showwarning == self._warn:
            warnings.showwarning = self.show
        if self.facts:
            self._draw()
            sys.stderr.write("\n" if self.live else "")
            sys.stderr.flush()

    def _warn(self, *warning: Any) -> None:
        """A warning takes the place of the line, which is drawn again below it."""
        self._erase()
        self.show(*warning)

    def update(self, share: float, *facts: str) -> None:
        """One more step is done; share (0 to 1) is how good it was, facts say more,
        the most important first."""
        self.step += 1
        now = time.perf_counter()
        speed = (self.step - self.first) / max(now - self.began, 1e-9)
        first = not self.facts
        self.share = share
        self.facts = [f"step {self.step}", *facts, f"{speed:.1f} steps/s"]
        if now - self.drawn > (0.1 if self.live else 5.0) or (first and self.live):
            self.drawn = now
            self._draw()

    def _draw(self) -> None:
        # On a terminal "^C" needs room behind it: a line that wraps is not drawn over.
        width = max(1, columns() - 3) if self.live else 100
        line = fit(self.share, self.facts, width)
        if line == self.line and not self.live:
            return
        self._erase()
        sys.stderr.write(line if self.live else f"{line}\n")
        sys.stderr.flush()
        self.line = line

    def _erase(self) -> None:
        """Clears the line, and the rows that it has spread over if the window has
        become narrower since."""
        if self.live and self.line:
            above = (len(self.line) - 1) // columns()
            sys.stderr.write("\r\x1b[K" + "\x1b[A\x1b[K" * above)
            self.line = ""


def columns(stream: Any = None) -> int:
    """How wide the terminal is now; 80 where it does not say."""
    try:
        found = os.get_terminal_size((stream or sys.stderr).fileno()).columns
    except (OSError, ValueError, AttributeError):
        found = 0
    return found if found > 1 else 80
