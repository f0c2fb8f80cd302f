"""Where one gradient comes from: upstream × local = contribution, summed.

    differences.py  a finite difference to compare: the root, computed again
    explanation.py  the result as plain data, and as text for a terminal
    explain.py      `explain`, which finds the contributions

These files may import graph/names.py and the files before it.
"""
