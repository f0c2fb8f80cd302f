"""A part of a computation, with its share of each gradient.

    slices.py  how a slice of a result is made from slices of its inputs
    head.py    one head of an attention, for one sequence
    focus.py   one tensor, or one number, and the steps that made it

These files may import graph/names.py and the files before it.
"""
