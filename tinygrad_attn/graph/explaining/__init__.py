"""Where one gradient comes from: upstream × local = contribution, summed.

    differences.py  the finite difference beside it: the root, computed again
    explanation.py  the result as plain data, and as a text for a terminal
    explain.py      `explain`, which finds it

It may import graph/names.py and the files below it.
"""
