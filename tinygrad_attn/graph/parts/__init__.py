"""A part of a computation, with its share of each gradient.

    head.py   one head of many, for one sequence
    focus.py  one tensor, or one number, and what it was made from

It may import graph/names.py and the files below it.
"""
