"""A place for every box and a way for every line: our own layered layout.

    pieces.py       what a layout is asked for, and what it answers
    ranks.py        in which row does each box stand?
    following.py    what stands above what, where no line says it
    narrow.py       one box below the other, where there is little room
    layers.py       rows as layers, long lines cut into pieces from layer to layer
    ordering.py     in which order, so that few lines cross?
    straight.py     which lines run straight?
    springs.py      numbers that pull at each other and may not come too near
    coordinates.py  how far left or right?
    rows.py         how far down, and where do frames end?
    routes.py       curves between the rows
    steps.py        `layout`, which takes these steps
    breaking.py     where to cut a long strip
    squeezing.py    empty bands, taken out
    wrapping.py     a long strip, wrapped into rows as text is

Nothing here knows a tensor, and it imports nothing from outside the folder.
"""
