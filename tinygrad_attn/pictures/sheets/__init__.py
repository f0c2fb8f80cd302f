"""What a picture shows, before it is known where: cards, links, frames.

    sheet.py        a sheet, its cards, links and frames
    labels.py       names, shapes and numbers as pictures write them
    stages.py       the stages of attention, as frames
    frames.py       which frame each card stands in
    scales.py       the scales of a card with rows
    tensors.py      the op and primitive levels: a card for every step
    boxes.py        the module level: boxes, and what they hand to each other
    numbers.py      the scalar level: a row for each number
    expressions.py  a graph of Values: a card for each

It may import look/ and graph/.
"""
