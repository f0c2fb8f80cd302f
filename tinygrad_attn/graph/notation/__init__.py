"""How a step is written on paper: `S = Q Kᵀ`, and the rule beside each line back.

    words.py     a table: the formula, the rules and the sentences of every operation
    formulas.py  names, numbers, axes and sums are put into them
    tidy.py      a transposition is no step, but a mark on a name

It may import graph/data.py.
"""
