"""The site: Sphinx with furo and MyST, notebooks run by myst-nb. `make docs` builds it; docs/site/ holds its parts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent)]

from raspc.version import VERSION  # noqa: E402  (the path is set above)

project, author, release, language = "raspc", "the raspc authors", VERSION, "en"
copyright = "the raspc authors, Apache-2.0"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "docs.site.api",
    "docs.site.docstrings",
    "docs.site.gallery",
    "docs.site.generated",
    "docs.site.sources",
]
exclude_patterns = ["_build", "site", "**.ipynb_checkpoints"]

html_theme, html_title = "furo", "raspc"
html_baseurl = os.environ.get("RASPC_SITE", "")  # the workflow of GitHub Pages knows its address
html_static_path, html_css_files = ["static"], ["site.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5fc4", "color-brand-content": "#1f5fc4"},
    "dark_css_variables": {"color-brand-primary": "#7fb0ff", "color-brand-content": "#7fb0ff"},
}
html_show_sphinx, smartquotes = False, False

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 4
suppress_warnings = ["mystnb.mime_priority"]

# Each notebook is run when the site is built; one that fails ends the build.
nb_execution_mode, nb_execution_raise_on_error, nb_execution_timeout = "cache", True, 300
nb_merge_streams, nb_execution_in_temp = True, True

# Docstrings are prose: single backticks are code, types stand in the signature, members as they are written.
default_role = "code"
autodoc_member_order, autodoc_typehints = "bysource", "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
python_maximum_signature_line_length = 100
add_module_names = False

# Console blocks are copied without their prompts and their output.
copybutton_prompt_text, copybutton_prompt_is_regexp = r">>> |\.\.\. |\$ ", True

# Addresses that refuse robots, or that are of this machine, are not asked.
linkcheck_ignore = [r"http://127\.0\.0\.1", r"https://keepachangelog\.com"]
linkcheck_timeout, linkcheck_retries = 20, 2
