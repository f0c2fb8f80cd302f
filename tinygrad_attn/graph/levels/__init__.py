"""The same computation at four levels of detail.

    opening.py         composites are opened: the levels "op" and "primitive"
    single_numbers.py  the primitives run on Values: the level "scalar"
    fold.py            steps are folded by the modules that made them: "module"

It may import graph/names.py and the files below it.
"""
