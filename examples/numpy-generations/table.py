"""A table of measurements, and what it holds."""

import pandas

measurements = pandas.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [0.1, 0.9, 2.1, 2.9]})
print(measurements.describe())
