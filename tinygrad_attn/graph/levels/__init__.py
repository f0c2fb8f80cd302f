"""The same computation at four levels of detail.

    opening.py         opens composites: the levels "op" and "primitive"
    single_numbers.py  runs the primitives on Values: the level "scalar"
    fold.py            folds the steps of each module's call: the level "module"

These files may import graph/names.py and the files before it.
"""
