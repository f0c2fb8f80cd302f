"""Which packages an installation has; all else stands in pyproject.toml.

The folder nn/ is installed twice: as `nn`, and as `tinygrad_attn.nn`, where no other
project of that name can overwrite it.
"""

from setuptools import find_packages, setup

packages = find_packages(include=["tinygrad_attn*", "nn*"])
inner = [f"tinygrad_attn.{name}" for name in packages if name.split(".")[0] == "nn"]

setup(packages=packages + inner, package_dir={"tinygrad_attn.nn": "nn"})
