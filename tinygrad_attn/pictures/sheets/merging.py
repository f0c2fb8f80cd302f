"""Lines that become one: what it says is true of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..look.colours import BACKWARD, NAN, PALE, blend
from .sheet import Link


def weighed(link: Link, flow: float) -> Link:
    """A line between single numbers, as thick and as dark as what flows along it.

    Args:
        flow: its share of the largest contribution in the picture; nan and inf are seen
            at a glance.
    """
    bad = flow != flow or flow == float("inf")
    share = 1.0 if bad else min(flow, 1.0)
    colour = NAN if bad else blend(PALE, BACKWARD, share**0.5)
    return replace(link, flow=flow, width=0.5 + 2.5 * share, colour=colour)


def joined(links: Sequence[Link], source: str, target: str) -> Link:
    """One line for several between a folded card and another. Its rows are gone, its
    label is that of all, and it is as thick as all together."""
    first = links[0]
    count = sum(link.joined for link in links)
    label = first.label
    if count > 1 and first.back:
        names = {link.label.partition(" += ")[0] for link in links}
        name = names.pop() if len(names) == 1 else ""
        label = f"{name} += {count} contributions" if name else f"{count} contributions"
    elif count > 1 and first.flow is not None:
        label = ""
    elif len({link.source for link in links}) > 1 and label:
        label = f"{count} results"
    made = replace(
        first, source=source, target=target, label=label, joined=count, among=1
    )
    made.source_row = made.target_row = None
    if first.flow is not None:
        made = weighed(made, sum(link.flow or 0.0 for link in links))
    return made


def said(link: Link) -> Link:
    """A line whose label says that its contribution is one of several."""
    if link.among == 1 or not link.back or not link.label:
        return link
    return replace(link, label=f"{link.label}  (1 of {link.among})", among=1)
