"""Fits a line through a table of measurements."""

import pandas
from scipy import linalg

table = pandas.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [0.1, 0.9, 2.1, 2.9]})
design = table[["x"]].assign(one=1.0).to_numpy()
slope, offset = linalg.lstsq(design, table["y"].to_numpy())[0]
print(f"y = {slope:.2f} x + {offset:.2f}")
