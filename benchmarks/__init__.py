"""How fast and how large: ratios of two things measured in one run.

`python -m benchmarks` prints them beside their targets. A ratio means much the same on
a slow machine and on a fast one; nothing here ever fails because of time.
"""
