"""How neurons compute: designs of MLPs, exact and with room for noise, and the choice among them.

A function is given on a grid: for each combination of the input variables' values, a class (−1 where the combination
cannot occur), and for each class a row of outputs. The designs:

- a *line*: one sum of features orders all combinations; the function is a staircase along it (`steps`);
- *cells*: one neuron for each cell of the grid, after equal slices have been merged;
- *gated* lines: a staircase along one variable for each cell of the others;
- a *lone* case: a pulse that tells one combination from all others;
- *ramps*: the powers of steep scores.

Two neurons make a step that is flat around every value that can occur. Slopes are powers of two, and thresholds dyadic,
so that a saturated step is exact in floating point.
"""
