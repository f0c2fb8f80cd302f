"""Chapters 2 and 3: every operation, its formula, forward and vjp side by side.

    operation.py    chapter 2: what an operation is
    primitives.py   chapter 3: the rules of calculus
    comparisons.py  chapter 3, continued: what no gradient passes
    movement.py     chapter 6: operations that move numbers
    composites.py   chapter 7: softmax, layer norm, attention, derived by hand
    activations.py  chapter 7, continued: the functions between the layers

A rule computes with the namespace that it is given. So the folder may import
arrays/shapes.py, and nothing else.
"""
