"""The program: a whole step of training, written down as straight-line code.

The rules of calculus are written once, against a namespace. Run on names instead of
numbers they write themselves down: forward, backward and update, a few hundred lines
without an autograd engine in them.

    anatomy.py      what a program is made of: buffers, views, five kinds of step
    traced.py       arrays that are names
    tape.py         the steps, noted while a function runs on names
    namespace.py    xp for names: the functions of the rules
    drafting.py     a function run on names: forward and backward
    updating.py     how an optimizer moves the parameters
    arranging.py    what nobody reads is left out, copies are saved
    naming.py       what buffers are called: the model's own names
    listing.py      the program: steps with names, results, what is given
    wording.py      what a step computes, as a formula
    saying.py       what stands beside each line
    loops.py        how a step runs over memory
    fusing.py       many steps in one walk over rows
    nesting.py      a step computed inside the one that reads it
    signs.py        what is known of numbers, whatever is given
    memory.py       where each buffer lies
    writers/        one program, printed in several languages
    compiling.py    the system's C compiler
    blas.py         the matrix products of NumPy's own library
    machines.py     what runs a text, and keeps its numbers
    python_machine.py   the same for plain Python: lists in, lists out
    keys.py         what a program was written for
    proving.py      a compiled program's first run, beside NumPy's
    saving.py       a program as a file that runs without this package
    running.py      the program as a function
    write.py        the program of a function
    compiled.py     a function that writes its program when it is called; `compile`
"""
