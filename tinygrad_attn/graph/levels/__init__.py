"""The same computation at four levels of detail.

    opening.py         opens composites: the levels "op" and "primitive"
    single_numbers.py  runs the primitives on Values: the level "scalar"
    value_graph.py     single numbers as arrays: what a page plays, and computes anew
    fold.py            folds the steps of each module's call: the level "module"

These files may import graph/names.py and the files before it.
"""
