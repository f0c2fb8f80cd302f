"""The writers: one program, printed in several languages.

They change nothing in it but the names that views have still to get, and choose where
numbers lie that nobody else sees.

preface.py        what stands at the head: how a text is used, how it is read
numpy_words.py    NumPy's calls and numbers
numpy_blocks.py   long vectors, a piece at a time
numpy_choices.py  numbers below 0 that become 0
numpy_text.py     in-place calls of NumPy
dialect.py        what a language without arrays says in its own words
bodies.py         the loops of a step, in such a language
c_words.py        C's types, functions and numbers
c_products.py     products of matrices by NumPy's own library, in C
c_tiles.py        products, tile by tile, in C
c_blocks.py       large ones, block by block
c_rows.py         a walk over rows, in C
c_lanes.py        a walk over short rows, several side by side
c_text.py         a program in C
javascript_words.py   JavaScript's arrays, functions and numbers
javascript_products.py   products of matrices in JavaScript, by tiles
javascript_frame.py   what all programs in JavaScript have: memory, what is given
javascript_text.py    a program in JavaScript
python_layout.py      how a program in plain Python stands on the page
python_words.py       its formulas, and the functions that it brings along
python_lists.py       where its numbers are: flat lists that have names
python_matrices.py    rows and columns
python_storing.py     a list gets its name
python_maps.py        comprehensions, number by number
python_steps.py       all kinds of steps
python_text.py        a program in plain Python
"""
