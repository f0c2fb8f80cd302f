"""The compute graph, as plain data at every level, and explained.

`unfold` gives a `Graph`, from which everything is drawn; `explain` says where one
gradient came from. Read the files in this order:

    data.py      a graph as plain data: nodes and edges
    check.py     are two arrays the same, but for rounding?
    trace.py     a private copy of what was recorded, and its walk
    names.py     what things are called
    notation/    how a step is written
    levels/      four levels of detail
    parts/       one head, one number
    unfold.py    `unfold`, which puts these together
    explaining/  where one gradient came from

Nothing here needs Graphviz or any other package. It may import all of the engine below
it; pictures stand above.
"""

from .data import Edge as Edge
from .data import Graph as Graph
from .data import Node as Node
from .explaining.explain import explain as explain
from .explaining.explanation import Explanation as Explanation
from .unfold import unfold as unfold
