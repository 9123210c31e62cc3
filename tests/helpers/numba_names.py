"""The names of Numba that the package uses, and those of them that the installed Numba does not have.

    PYTHONPATH=.:tests python -m helpers.numba_names

prints a sentence for each missing name of numba-cuda. This file imports nothing of the package, which a missing name
may keep from being imported.
"""

import ast
import inspect
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "numbarnn"

# Parameters that Numba gives to functions of ours: the class of each.
PARAMETERS = {
    "context": "numba.core.base.BaseContext",
    "target_context": "numba.core.base.BaseContext",
    "sig": "numba.core.typing.templates.Signature",
    "manager": "numba.core.datamodel.manager.DataModelManager",
}

# What no import tells: attributes of values, methods that Numba calls, and options; why each is used.
OTHERS = {
    "runtime/compile.py": {
        "numba.core.ccallback.CFunc._cache": "a kernel is loaded from a file of ours",
        "numba.core.caching.FunctionCache.load_overload": "Numba loads a kept kernel with this method of `Store`",
        "numba.core.caching.FunctionCache.save_overload": "Numba keeps a new kernel with this method of `Store`",
        "numba.core.compiler.CompileResult._reduce": "the part of a kernel that is kept on disk",
        "llvmlite.binding.ffi.lib._lock": "no other thread compiles while a process is forked",
        "numba.core.codegen.CPUCodegen.magic_tuple": "the processor is part of a kernel's key",
        "numba.core.options.DefaultOptions.error_model": "division by zero gives infinity",
        "numba.core.options.DefaultOptions.forceinline": "constants of equations are loaded once",
        "numba.core.options.DefaultOptions.no_cfunc_wrapper": "machine code is compiled once",
    },
    "runtime/pipeline.py": {
        "numba.core.compiler.Compiler.define_pipelines": "kernels take a list of passes of their own",
        "numba.core.compiler.CompilerBase.state": "it has the target",
        "numba.core.ccallback.CFunc.compile": "a kernel is compiled by a class of ours",
    },
    "runtime/libraries.py": {
        "numba.core.codegen.CodeLibrary._codegen": "a library asks it for the target's data layout and passes",
        "numba.core.codegen.CodeLibrary._finalized": "helpers are never turned into machine code",
        "numba.core.codegen.CodeLibrary._reload_init": "a kernel inherits what its helpers need when it is loaded",
        "numba.core.codegen.CodeLibrary.codegen": "helpers have no variables for environments",
        "numba.core.codegen.CPUCodeLibrary._final_module": "LLVM code is linked by ourselves",
        "numba.core.codegen.CPUCodeLibrary._finalize_final_module": "a kernel is turned into machine code",
        "numba.core.codegen.CPUCodeLibrary._get_module_for_linking": "LLVM code of helpers is linked into kernels",
        "numba.core.codegen.CPUCodeLibrary._linking_libraries": "the libraries that a function calls",
        "numba.core.codegen.CPUCodeLibrary._optimize_final_module": "a kernel is optimised once",
        "numba.core.codegen.CPUCodeLibrary._optimize_functions": "helpers are not optimised on their own",
        "numba.core.codegen.CPUCodeLibrary.add_ir_module": "a Numba without these names optimises the tiles as well",
        "numba.core.codegen.CPUCodegen._data_layout": "LLVM code that is linked needs it",
        "numba.core.codegen.CPUCodegen._module_pass_manager": "the passes that optimise a kernel",
        "numba.core.codegen.JITCPUCodegen.set_env": "helpers have no variables for environments",
        "numba.core.codegen.JITCodeLibrary.finalize": "a kernel is linked with all that it calls",
        "numba.core.codegen.JITCodeLibrary.get_pointer_to_function": "helpers have no machine code",
    },
    "runtime/simd.py": {
        "numba.core.datamodel.models.DataModel.get_value_type": "a vector is made of its numbers' LLVM type",
    },
    "engines/cuda/device.py": {
        "numba.cuda.dispatcher._Kernel._codelibrary": "the driver starts the machine code itself",
        "numba.cuda.codegen.CUDACodeLibrary.get_cufunc": "the driver starts the machine code itself",
    },
}


def used():
    """(file, dotted name, reason or "") of every name of Numba that the package uses."""
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        for name in sorted(in_source(path.read_text())):
            yield file, name, ""
        for name, reason in OTHERS.get(file, {}).items():
            yield file, name, reason


def in_source(source):
    """Dotted names of Numba that a file imports, and the attributes that it reads of these and of `PARAMETERS`."""
    nodes = list(ast.walk(ast.parse(source)))
    imported = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and not node.level and is_numba(node.module):
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            imported |= {alias.name: alias.name for alias in node.names if is_numba(alias.name)}
    if not imported:
        return set()
    chains = (chain(node) for node in nodes if isinstance(node, ast.Attribute))
    chains = [c for c in chains if c]
    read = {".".join([imported[c[0]], *c[1:]]) for c in chains if c[0] in imported}
    return {*imported.values(), *read, *(f"{PARAMETERS[c[0]]}.{c[1]}" for c in chains if c[0] in PARAMETERS)}


def is_numba(module):
    return module.partition(".")[0] == "numba"


def chain(node):
    """["a", "b", "c"] of the expression a.b.c; None if it does not start with a name."""
    if isinstance(node, ast.Attribute):
        start = chain(node.value)
        return start and [*start, node.attr]
    return [node.id] if isinstance(node, ast.Name) else None


def of_numba_cuda(name):
    """Whether a name belongs to numba-cuda's compiler, which its simulator hides."""
    return name.startswith("numba.cuda.") and not name.startswith("numba.cuda.simulator")


def exists(name):
    """Whether a dotted name leads to a module, to an attribute, or to what the constructor of a class sets."""
    place, *parts = name.split(".")
    value = import_module(place)
    for part in parts:
        place = f"{place}.{part}"
        if not hasattr(value, part):
            try:
                import_module(place)
            except ImportError:
                return isinstance(value, type) and part in names_in(value.__init__)
        value = getattr(value, part)
    return True


def names_in(function):
    """The names in the code of a function; none if it is not written in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_names if code else ()


def missing(names):
    """A sentence for each of these (file, dotted name, reason) that the installed Numba does not have."""
    for file, name, reason in names:
        if not exists(name):
            package = "numba-cuda" if of_numba_cuda(name) else name.partition(".")[0]
            why = f" ({reason})" if reason else ""
            yield f"numbarnn/{file} uses {name}{why}, which {package} {version(package)} does not have."


if __name__ == "__main__":
    print(*missing(n for n in used() if of_numba_cuda(n[1])), sep="\n")
