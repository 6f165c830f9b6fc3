"""x**8 as array expressions, for Pythran.

Source: of the squarings: D. E. Knuth, "The art of computer programming", vol. 2, section 4.6.3.
"""


#pythran export power8_operator(float32[])
#pythran export power8_operator(float64[])
def power8_operator(x):
    return x ** 8


#pythran export power8_squarings(float32[])
#pythran export power8_squarings(float64[])
def power8_squarings(x):
    y = x * x
    y = y * y
    return y * y
