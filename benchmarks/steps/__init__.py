"""Training steps, timed beside those of the libraries one would use instead.

    python -m benchmarks.steps                 # the table, some ten minutes
    python -m benchmarks.steps --growth --ops  # and what they say
    make peers bench                           # with the peers installed before

A step is a whole one: forward, cross-entropy, backward, AdamW, and the loss as a float.
All contestants train the same transformer from the same weights on the same batches, in
float32, and get these as NumPy's arrays, so what each checks and copies is in its time.
The losses of the first five steps are compared, to 1e-4: nobody skips work.

Each contestant is a process of its own, so peers may live in another environment. All
are started before the first measurement and wait for their turn; they take turns in
blocks of 50 ms, in an order drawn anew each round, and what is told is the median of
the ratios within a round. All use one thread (workers.py says by which settings, and
the JSON how many processors each kept busy).

Read in this order:

    workloads.py    which models, and the numbers that all are given
    contestants/    the step, written in each library
    worker.py       what runs in a contestant's process
    workers.py      those processes, and asking them
    measuring.py    turns, medians, ratios
    tables.py       the table
    startup.py      process start to a trained model; writing a program
    memory.py       the most memory of a step
    growth.py       depth, width, batch, length
    operations.py   small operations, forward and backward
    picture.py      the same as SVG
    peers.py        an environment for the peers
    __main__.py     the command line
"""
