"""A browser without a window, for screenshots, benchmarks and the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NEEDED = "needs Chromium: install it, or set CHROMIUM to its path"


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium: the one that CHROMIUM names, one that is installed, or
    Playwright's own; None where there is none.

    Raises:
        ImportError: Playwright is not installed.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome")
        paths = [os.environ.get("CHROMIUM"), *map(shutil.which, names)]
        paths.append(playwright.chromium.executable_path)
        path = next((path for path in paths if path and Path(path).exists()), None)
        if path is None:
            yield None
            return
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()
