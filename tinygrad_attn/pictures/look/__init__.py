"""How pictures look: colours, texts, heat maps.

    colours.py  how a number looks: its colour, and its few digits
    looks.py    the colours of cards
    text.py     names and tokens, made safe and short
    grids.py    a tensor as a heat map

It may import graph/.
"""
