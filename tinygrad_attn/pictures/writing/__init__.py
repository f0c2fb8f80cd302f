"""A sheet written down.

    captions.py  title and legend
    geometry.py  how large a card is, and where in it everything stands
    svg.py       as SVG, laid out by us
    dot.py       as a text in DOT, laid out by Graphviz
    graphviz.py  Graphviz's `dot`, if it is there

It may import layout/, sheets/ and look/.
"""
