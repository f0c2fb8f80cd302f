"""The program: a whole step of training, written down as straight-line code.

The rules of calculus are written once, against a namespace. Run on names instead of
numbers they write themselves down: forward, backward and update, line by line, without
an autograd engine in them.

Begin with the map, `written` in write.py: a draft, its program, a machine, a Step. Then
the core, in this order:

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

A language needs only what it has not itself. NumPy has arrays, and needs nothing more.
The others have loops:

    loops.py        how a step runs over memory (C, JavaScript, Python)
    fusing.py       many steps in one walk over rows (C; nesting asks it, too)
    nesting.py      a step computed inside the one that reads it (Python; biases in C)
    signs.py        what is known of numbers, whatever is given (Python)
    memory.py       where each buffer lies (C; NumPy, if it is much)
    writers/        one program, printed in several languages

And what runs a text:

    compiling.py    the system's C compiler (C)
    blas.py         the matrix products of NumPy's own library (C)
    machines.py     what runs a text, and keeps its numbers
    python_machine.py   the same for plain Python: lists in, lists out
    keys.py         what a program was written for
    proving.py      a compiled program's first run, beside NumPy's (C)
    sharing.py      a machine has the numbers of the model and its optimizers
    files.py        files, written whole or not at all
    saving_c.py     a program as a file in C
    saving.py       a program as a file that runs without this package
    running.py      the program as a function
    write.py        the program of a function
    living.py       a graph as a program of JavaScript, for a page
    compiled.py     a function that writes its program when it is called; `compile`
"""
