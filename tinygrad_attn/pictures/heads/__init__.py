"""Where each head looks: attention weights as a heat map, as lines, and head by head.

    given.py           what is given, read and checked: heads, weights, tokens
    panels.py          one head as a heat map
    curves.py          one head as lines
    overview.py        all heads at a glance
    picture.py         a finished picture: shown by Jupyter, saved in one call
    draw_attention.py  `draw_attention`, which puts these together

It may import look/.
"""
