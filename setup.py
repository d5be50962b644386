"""What a wheel holds, and the editable install of path.sh; all else that is to be said is in pyproject.toml.

A wheel has the library, the configurations and the programs that are commands. The checkout shows the published
modules, too: their names (utils!) are too common for an environment that others share.
"""

import atexit
import shutil
import tempfile

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

PROGRAMS, CONF = "dec_cli.programs", "diar.conf"  # where a wheel has what is in local/ and in conf/
PUBLISHED = ["DEC", "utils", "baselineMethods", "optimumSpeaker"]


class BuildPy(build_py):
    """Choose the modules of a wheel."""

    def finalize_options(self):
        super().finalize_options()
        if not self.editable_mode:
            self.py_modules = []

    def find_package_modules(self, package, package_dir):
        commands = self.distribution.entry_points["console_scripts"]
        wanted = {command.rpartition(":")[2] for command in commands}
        found = super().find_package_modules(package, package_dir)
        return [module for module in found if package != PROGRAMS or module[1] in wanted]


if __name__ == "__main__":
    made = tempfile.mkdtemp()  # nothing is left among the sources
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    setup(
        packages=[*find_packages("local", include=["diar*", "dec_cli"]), PROGRAMS, CONF],
        py_modules=PUBLISHED,
        package_dir={
            "": "local",
            "diar": "local/diar",  # so that an editable install shows just these, not all of local/
            "dec_cli": "local/dec_cli",
            PROGRAMS: "local",
            CONF: "conf",
        },
        package_data={
            "diar": ["autoencoder/pretrained/*", "report/assets/*"],
            CONF: ["*.yaml", "*.tsv", "fbank/*.yaml"],
        },
        include_package_data=False,
        cmdclass={"build_py": BuildPy},
        options={"build": {"build_base": made}, "egg_info": {"egg_base": made}},
    )
