"""What numbers live in: arrays, on three backends. There is no gradient in this folder.

    shapes.py     which shape comes out, or why none can
    dtypes.py     which dtype comes out, and which whole numbers there are
    precision.py  what float32 changes
    reading.py    what may be given as numbers
    batches.py    a large batch of matrices, a part at a time
    mixed.py      functions of numbers of which some are Values
    array.py      an array in pure Python: a flat list and a shape
    python.py     the namespace of these arrays: exp, sum, matmul, ...
    values.py     the same for arrays of Values
    numpy.py      the same names, at machine speed
    backends.py   which of them is used

It may import scalar.py, floats.py and context.py.
"""
