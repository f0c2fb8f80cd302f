"""The content of a picture, before the layout: cards, links, frames.

    sheet.py        a sheet, its cards, links and frames
    labels.py       names, shapes and numbers as pictures write them
    stages.py       the stages of attention, as frames
    frames.py       the frame of each card
    scales.py       the scales of a card with rows
    tensors.py      the op and primitive levels: a card for every step
    repeats.py      which modules repeat each other
    boxes.py        the module level: boxes, and the results that pass between them
    numbers.py      the scalar level: a row for each number
    expressions.py  a graph of Values: a card for each Value
    runs.py         steps that repeat, found
    lists.py        what they are called
    merging.py      lines that become one
    folding.py      and folded: one is drawn, a small card stands for the others
    closing.py      modules that stand closed, as one card
    glance.py       so many of them that a picture is understood at a glance
    reuse.py        a small card beside each later use of a leaf

These files may import look/ and graph/.
"""
