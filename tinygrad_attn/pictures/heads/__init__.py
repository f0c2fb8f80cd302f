"""Where each head looks: attention weights as a heat map, as lines, and head by head.

    given.py           reads and checks the arguments: heads, weights, tokens
    panels.py          one head as a heat map
    curves.py          one head as lines
    overview.py        all heads at a glance
    explore.py         all heads on one page, with a script (explore.html, .css, *.js)
    picture.py         a finished picture: Jupyter shows it, one call saves it
    draw_attention.py  `draw_attention`, which puts these together

These files may import look/.
"""
