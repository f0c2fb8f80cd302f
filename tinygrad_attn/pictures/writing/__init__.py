"""A sheet as SVG, or as text for Graphviz.

    captions.py  title and legend, and frames
    geometry.py  the size of a card, and the places of the parts inside it
    framing.py   where the name of a frame stands
    cells.py     the cells of a heat map
    narrow_cards.py  cards where there is little room
    placing.py   a place for every card, in the width that there is
    fitting.py   and in the height: on a slide
    svg.py       SVG, with our own layout
    dot.py       text in DOT, which Graphviz lays out (dot_captions.py: its headings,
                 dot_rows.py: in our rows)
    graphviz.py  runs Graphviz: `dot`, or the one in pygraphviz's wheel

These files may import layout/, sheets/ and look/.
"""
