"""The writers: one program, printed in several languages. They only print.

numpy_text.py     in-place calls of NumPy
c_text.py         loops over memory, in C
"""
