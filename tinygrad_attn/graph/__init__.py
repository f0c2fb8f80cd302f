"""The compute graph as plain data, at four levels of detail, and explained.

`unfold` returns a `Graph`, from which `draw` and `play` make pictures and pages;
`explain` says where one gradient came from. Read the files in this order:

    data.py      a graph as plain data: nodes and edges
    roles.py     what numbers are: weights, scores
    check.py     do two arrays differ by more than rounding?
    order.py     the order of computing
    trace.py     a private copy of the recorded graph, and the walk through it
    noise.py     which gradients are what rounding left?
    names.py     the names of tensors, modules and parameters
    notation/    how a step is written
    levels/      four levels of detail
    parts/       one head, one number
    unfold.py    `unfold`, which puts these together
    inside.py    the steps inside one operation
    explaining/  where one gradient came from

Nothing here needs Graphviz or any other package. These files may import the engine,
but not the pictures.
"""

from .data import Edge as Edge
from .data import Graph as Graph
from .data import Node as Node
from .explaining.explain import explain as explain
from .explaining.explanation import Explanation as Explanation
from .unfold import unfold as unfold
