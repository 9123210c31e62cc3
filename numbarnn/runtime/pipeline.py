"""Numba's compiler as kernels and their helpers need it: few passes, and the libraries of `libraries`.

Kernels hold numbers, pointers and loops alone, so most of Numba's passes never find anything to do in them.
"""

import functools
import warnings

from numba.core import compiler, typed_passes, untyped_passes
from numba.core.compiler_machinery import PassManager

from .libraries import USED, HelperLibrary, KernelLibrary


class EquationsCompiler(compiler.Compiler):
    """Compile a function for kernels to call, with all passes: it may be a user's."""

    library = HelperLibrary

    def __init__(self, typingctx, targetctx, library, *others):
        if library is None and usable(targetctx):
            library = self.library(targetctx.codegen(), "numbarnn")
            library.enable_object_caching()
        super().__init__(typingctx, targetctx, library, *others)


class HelperCompiler(EquationsCompiler):
    """Compile a helper."""

    def define_pipelines(self):
        """Return the list of passes."""
        if not usable(self.state.targetctx):
            return super().define_pipelines()
        pipeline = PassManager("numbarnn")
        for each in passes():
            pipeline.add_pass(each)
        pipeline.finalize()
        return [pipeline]


class KernelCompiler(HelperCompiler):
    """Compile a kernel."""

    library = KernelLibrary


def passes():
    """Return Numba's passes from a Python function to LLVM code."""
    return (
        untyped_passes.TranslateByteCode,
        untyped_passes.FixupArgs,
        untyped_passes.IRProcessing,
        untyped_passes.RewriteSemanticConstants,
        untyped_passes.DeadBranchPrune,
        untyped_passes.GenericRewrites,
        untyped_passes.ReconstructSSA,
        typed_passes.NopythonTypeInference,
        typed_passes.PreLowerStripPhis,
        typed_passes.IRLegalization,
        typed_passes.NativeLowering,
        typed_passes.NoPythonBackend,
    )


def usable(targetctx):
    """Return whether Numba has all that is used of it here; else warn once, and everything takes its usual way."""
    return not missing(targetctx.codegen())


@functools.cache
def missing(codegen):
    """Return the name of something that this Numba does not have, or None."""
    try:
        passes()
        library = KernelLibrary(codegen, "numbarnn")
        for name in USED:
            functools.reduce(getattr, name.split("."), library)
    except AttributeError as error:
        warnings.warn(f"numbarnn: this Numba compiles kernels slowly: {error}", RuntimeWarning, stacklevel=2)
        return error.name
    return None
