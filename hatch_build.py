"""Compiles the CPU kernels when the package is built or installed; without a compiler it is plain Python."""

import importlib.util
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = Path("src/idennet/models/fastcpu")


class KernelBuildHook(BuildHookInterface):
    """Builds the libraries in the package's folder, and tags a wheel that carries them for this platform."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; say in a sentence why not if that fails."""
        spec = importlib.util.spec_from_file_location("kernel_build", Path(self.root) / KERNELS / "build.py")
        assert spec is not None
        assert spec.loader is not None
        kernel_build = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(kernel_build)
        try:
            kernel_build.build()
        except kernel_build.BuildError as error:
            self.app.display_warning(f"Built without CPU kernels: {error}. PyTorch computes instead.")
            return
        build_data["artifacts"].append(f"/{KERNELS}/*.so")
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
