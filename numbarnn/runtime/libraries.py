"""Link a kernel with all its helpers, then optimise it and turn it into machine code, once.

Numba makes each function a library of its own, which it optimises twice and turns into machine code, together with all
that the function calls. But only kernels call helpers: a `HelperLibrary` stays LLVM code as Numba wrote it, and a
`KernelLibrary` links all that it calls before it is optimised.
"""

from llvmlite import binding
from numba.core.codegen import JITCodeLibrary

USED = (  # of Numba's libraries, all private
    "_codegen._data_layout",
    "_codegen._module_pass_manager",
    "_final_module",
    "_finalize_final_module",
    "_finalized",
    "_get_module_for_linking",
    "_linking_libraries",
    "_optimize_final_module",
    "_optimize_functions",
    "_reload_init",
)


class LaterOptimised(JITCodeLibrary):
    """Hold the LLVM code of a function as Numba wrote it, and modules that are not to be optimised at all."""

    def __init__(self, codegen, name):
        super().__init__(codegen, name)
        self.finished = []

    def _optimize_functions(self, module):
        module.data_layout = self._codegen._data_layout


class WithoutEnvironments:
    """Stand for Numba's code generator where no machine code holds the address of an environment."""

    def __init__(self, codegen):
        self._codegen = codegen

    def __getattr__(self, name):
        return getattr(self._codegen, name)

    def set_env(self, name, environment):
        """Do nothing."""


class HelperLibrary(LaterOptimised):
    """Hold a function that kernels call."""

    @property
    def codegen(self):
        """The code generator."""
        return WithoutEnvironments(self._codegen)

    def finalize(self):
        """Let other libraries link this one."""
        self._finalized = True

    def get_pointer_to_function(self, name):
        """Return 0: there is no machine code."""
        return 0


class KernelLibrary(LaterOptimised):
    """Hold a kernel."""

    def finalize(self):
        """Link all that is called, directly or not, optimise it, and turn it into machine code."""
        waiting, linked = [*self._linking_libraries], set()
        while waiting:  # callers before what they call: LLVM links only functions that are needed already
            library = waiting.pop(0)
            if library not in linked:
                linked.add(library)
                self._reload_init.update(library._reload_init)
                self._final_module.link_in(library._get_module_for_linking(), preserve=True)
                self.finished += getattr(library, "finished", ())
                waiting[:0] = library._linking_libraries
        self._optimize_final_module()
        for module in self.finished:
            self._link_finished(binding.parse_assembly(str(module)))
        self._finalize_final_module()

    def _optimize_final_module(self):
        passes, builder = self._codegen._module_pass_manager()  # without Numba's first ones, for reference counts
        passes.run(self._final_module, builder)

    def _link_finished(self, module):
        names = [function.name for function in module.functions if not function.is_declaration]
        self._final_module.link_in(module)
        for name in names:
            self._final_module.get_function(name).linkage = "internal"


def add_finished(library, module):
    """Add an LLVM module whose functions the library declares, and which optimisation would not improve."""
    if isinstance(library, LaterOptimised):
        library.finished.append(module)
    else:
        library.add_ir_module(module)
