"""The compute graph, as plain data at every level, and explained.

`unfold` gives a `Graph`, from which everything is drawn; `explain` says where one
gradient came from. Nothing here needs Graphviz or any other package.
"""

from .data import Edge as Edge
from .data import Graph as Graph
from .data import Node as Node
from .explaining.explain import explain as explain
from .explaining.explanation import Explanation as Explanation
from .unfold import unfold as unfold
