"""What float32 changes.

Python's floats are float64: 53 bits, about 16 digits. NumPy computes in float32 unless
told otherwise, since that is faster: 24 bits, about 7 digits. The mathematics is the
same, and so is every rule. What differs: a result is off by up to EPSILON of its size,
so two ways to compute one thing are called equal if they differ by less than ROUNDING
(of the largest number around); finite differences lose too much, and gradcheck asks
for float64; rms_norm divides by √(mean + ε), ε being the EPSILON of its dtype. Beside a
float32 whole numbers and bools become float32, not float64 as in NumPy. What is masked
before a softmax is -1e30, which float32 can hold.
"""

EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}  # from 1 to the next number
ROUNDING = {"float32": 1e-4, "float64": 1e-9}
