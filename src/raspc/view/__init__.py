"""Pages and plots of what a compiled model does.

`page` and `write_page` make one self-contained HTML file; the `plot_…` functions make Matplotlib figures.
"""

from __future__ import annotations

from raspc.view.page import page, write_page
from raspc.view.plots import plot_attention, plot_layer_outputs, plot_program, plot_residuals

__all__ = ["page", "plot_attention", "plot_layer_outputs", "plot_program", "plot_residuals", "write_page"]
