"""What float32 changes.

Python's floats are float64: 53 bits, about 16 digits. NumPy computes in float32 unless
told otherwise, since that is faster: 24 bits, about 7 digits. The mathematics is the
same, and so is every rule. What differs:

- Each operation rounds its result, by up to EPSILON/2 of its size. Errors add up, and a
  difference of close numbers loses digits. So two ways to compute one thing are called
  equal if they differ by less than ROUNDING of the largest number around.
- Finite differences lose too many digits: gradcheck asks for float64.
- Beside a float32 whole numbers and bools become float32, not float64 as in NumPy
  (dtypes.py), and a gradient gets the dtype of its input.
- `functional.rms_norm` has the EPSILON of its input's dtype as its default ε.
"""

EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}  # from 1 to the next number
ROUNDING = {"float32": 1e-4, "float64": 1e-9}

# Sums of more numbers than this, one row after the other, are added block by block: the
# error would grow with their number.
FEW, BLOCK = 512, 128
