"""`tinygrad_attn.nn`: the folder nn/ that stands beside this package.

`import nn` finds the first thing of that name, which may be a learner's own nn.py. So
the layers' own name is tinygrad_attn.nn, and this module turns into that package: its
path becomes the folder's, and its contents those of the folder's __init__.py. (In an
installation nn/ also lies in this package, where Python finds it before this file.)
"""

import sys as _sys
from importlib.machinery import PathFinder as _Finder
from importlib.machinery import SourceFileLoader as _Loader
from pathlib import Path as _Path

_folder = _Path(__file__).resolve().parent.parent / "nn"
__file__ = str(_folder / "__init__.py")
__path__ = [str(_folder)]
__package__ = __name__
if _folder.is_dir():
    __loader__ = _Loader(__name__, __file__)
else:  # both packages are in a zip file
    __loader__ = _Finder.find_spec("nn", [str(_folder.parent)]).loader
__spec__.loader, __spec__.origin = __loader__, __file__
__spec__.submodule_search_locations = __path__
__loader__.exec_module(_sys.modules[__name__])
