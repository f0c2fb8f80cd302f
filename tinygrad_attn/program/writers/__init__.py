"""The writers: one program, printed in several languages. They only print.

numpy_text.py     in-place calls of NumPy
c_words.py        C's types, functions, numbers and loops
c_products.py     products of matrices, and rows by index, in C
c_rows.py         a walk over rows, in C
c_text.py         a program in C
"""
