"""A sheet as SVG, or as text for Graphviz.

    captions.py  title and legend
    geometry.py  the size of a card, and the places of the parts inside it
    svg.py       SVG, with our own layout
    dot.py       text in DOT, which Graphviz lays out
    graphviz.py  runs Graphviz's `dot`, if it is installed

These files may import layout/, sheets/ and look/.
"""
