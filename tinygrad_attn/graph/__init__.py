"""The compute graph, as plain data at every level, and explained.

`unfold` gives a `Graph`, from which everything is drawn; `explain` says where one
gradient came from. Nothing here needs Graphviz or any other package.
"""

from .explain import explain as explain
from .explanation import Explanation as Explanation
from .plain import Edge as Edge
from .plain import Graph as Graph
from .plain import Node as Node
from .unfold import unfold as unfold
