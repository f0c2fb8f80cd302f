"""A part of a computation, with its share of each gradient.

    slices.py   how a slice of a result is made from slices of its inputs
    cutting.py  the small graph that ends in a slice, each of its steps checked
    blocks.py   which block of a result belongs to which head and which sequence
    head.py     one head of an attention, for one sequence
    focus.py    one tensor, or one number, and the steps that made it

These files may import graph/names.py and the files before it.
"""
