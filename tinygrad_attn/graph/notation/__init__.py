"""How a step is written on paper: `S = Q Kᵀ`, and the rule beside each line back.

    formulas.py  puts names, numbers, axes and sums into the formulas
    tidy.py      turns a transpose from a step into a mark on a name

These files may import graph/data.py and the engine.
"""
