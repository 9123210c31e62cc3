"""Give Numba SIMD vectors as values.

A `Vector` is an LLVM vector `<lanes x float32 or float64>` that behaves as a number in compiled code. Its width
follows the features of the processor that Numba compiles for.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.codegen import get_host_cpu_features
from numba.core.imputils import lower_cast, lower_constant
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_jitable, register_model, typeof_impl

from .pipeline import HelperCompiler

FEATURES = (get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES).split(",")
BYTES = 64 if "+avx512f" in FEATURES else 32 if "+avx2" in FEATURES else 16
REGISTERS = 32 if BYTES == 64 or "+neon" in FEATURES else 16
INTP = types.intp
FLAGS = ("contract",)  # a*b+c may become one fma; NaN, infinities and the order of sums stay

helper = register_jitable(no_cfunc_wrapper=True, pipeline_class=HelperCompiler)


class Vector(types.Type):
    """The Numba type of a SIMD vector of float32 or float64."""

    def __init__(self, dtype):
        self.dtype, self.lanes = dtype, BYTES * 8 // dtype.bitwidth
        super().__init__(f"{dtype}x{self.lanes}")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """Represent a `Vector` by an LLVM vector."""

    def __init__(self, manager, vector):
        super().__init__(manager, vector, ir.VectorType(manager.lookup(vector.dtype).get_value_type(), vector.lanes))


class Static:
    """Hold a Python value that the compiler sees as a type, so that a function is compiled for each value."""

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return Static, (self.value,)


class StaticType(types.Opaque):
    """The Numba type of a `Static`, which holds its value."""

    def __init__(self, value):
        self.value = value
        super().__init__(f"Static({value!r})")


typeof_impl.register(Static)(lambda static, context: StaticType(static.value))
register_model(StaticType)(models.OpaqueModel)
lower_constant(StaticType)(lambda context, builder, static, value: context.get_dummy_value())


def vector_type(dtype):
    """Return the LLVM type of a `Vector` of a Numba float type."""
    return ir.VectorType(ir.FloatType() if dtype == types.float32 else ir.DoubleType(), Vector(dtype).lanes)


def spread(builder, kind, number):
    """Broadcast a number to every lane of an LLVM vector type."""
    undefined, index = ir.Constant(kind, ir.Undefined), ir.IntType(32)
    first = builder.insert_element(undefined, number, ir.Constant(index, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(index, kind.count), [0] * kind.count))


def llvm_call(builder, name, kind, args, suffix="", result=None):
    """Call an LLVM intrinsic named after the vector type `kind`; it returns that type unless `result` is another."""
    tag = f"v{kind.count}{'f32' if isinstance(kind.element, ir.FloatType) else 'f64'}"
    function = ir.FunctionType(result or kind, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, function, f"{name}.{tag}{suffix}"), args)


def _operator(op, emit, arity=2):
    """Let Numba apply a Python operator to vectors, and to a vector and a number."""

    @infer_global(op)
    class _(AbstractTemplate):
        def generic(self, args, kws):
            vectors = [a for a in args if isinstance(a, Vector)]
            if vectors and len(args) == arity and all(isinstance(a, Vector | types.Number) for a in args):
                return signature(vectors[0], *vectors[:1] * arity)

    lower_builtin(op, *[Vector] * arity)(lambda context, builder, sig, args: emit(builder, *args))


_operator(operator.add, lambda b, x, y: b.fadd(x, y, flags=FLAGS))
_operator(operator.sub, lambda b, x, y: b.fsub(x, y, flags=FLAGS))
_operator(operator.mul, lambda b, x, y: b.fmul(x, y, flags=FLAGS))
_operator(operator.truediv, lambda b, x, y: b.fdiv(x, y))
_operator(operator.neg, lambda b, x: b.fneg(x), 1)


@lower_cast(types.Float, Vector)
@lower_cast(types.Integer, Vector)
def _cast(context, builder, number, vector, value):
    return spread(builder, context.get_value_type(vector), context.cast(builder, value, number, vector.dtype))


@intrinsic
def splat(typingctx, like, number):
    """Broadcast a number to every lane of a vector of the type of `like`."""
    return like(like, number), lambda context, builder, sig, args: context.cast(builder, args[1], number, like)


@intrinsic
def select_less(typingctx, a, b, x, y):
    """Choose x in the lanes in which a < b, and y in the others, also if a or b is NaN."""

    def codegen(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    return a(a, a, a, a), codegen


@intrinsic
def fabs(typingctx, x):
    """Return |x|."""
    return x(x), lambda context, builder, sig, args: llvm_call(builder, "llvm.fabs", args[0].type, args)


@intrinsic
def square_root(typingctx, x):
    """Return the square root of x, correctly rounded."""
    return x(x), lambda context, builder, sig, args: llvm_call(builder, "llvm.sqrt", args[0].type, args)


@intrinsic
def copysign(typingctx, x, sign):
    """Return |x| with the sign of `sign`."""
    return x(x, x), lambda context, builder, sig, args: llvm_call(builder, "llvm.copysign", args[0].type, args)


@intrinsic
def power_of_two(typingctx, shifted):
    """Return 2**n, given 1.5 * 2**mantissa_bits + n."""
    # The low bits of the sum are n; they are shifted into the exponent.

    def codegen(context, builder, sig, args):
        bits, mantissa, bias = (32, 23, 127 << 23) if sig.args[0].dtype == types.float32 else (64, 52, 1023 << 52)
        kind, count = args[0].type, sig.args[0].lanes
        integers = ir.VectorType(ir.IntType(bits), count)
        exponent = builder.shl(builder.bitcast(args[0], integers), ir.Constant(integers, [mantissa] * count))
        return builder.bitcast(builder.add(exponent, ir.Constant(integers, [bias] * count)), kind)

    return shifted(shifted), codegen


def lane_mask(builder, kind, count):
    """Make an LLVM mask of the first `count` lanes of a vector type."""
    lane = ir.VectorType(ir.IntType(32), kind.count)
    limit = spread(builder, lane, builder.trunc(count, ir.IntType(32)))
    return builder.icmp_signed("<", ir.Constant(lane, list(range(kind.count))), limit)


@intrinsic
def first_lanes(typingctx, vectors, count):
    """Set the lanes from `count` on of each vector of a tuple to zero, NaN included."""

    def codegen(context, builder, sig, args):
        kind = context.get_value_type(vectors.dtype)
        zeros, mask = ir.Constant(kind, [0.0] * kind.count), lane_mask(builder, kind, args[1])
        kept = [builder.select(mask, v, zeros) for v in cgutils.unpack_tuple(builder, args[0])]
        return context.make_tuple(builder, sig.return_type, kept)

    return vectors(vectors, INTP), codegen


@intrinsic
def added(typingctx, x, y):
    """Add two tuples of vectors."""

    def codegen(context, builder, sig, args):
        pairs = zip(cgutils.unpack_tuple(builder, args[0]), cgutils.unpack_tuple(builder, args[1]), strict=True)
        return context.make_tuple(builder, sig.return_type, [builder.fadd(a, b, flags=FLAGS) for a, b in pairs])

    return x(x, y), codegen


@intrinsic
def transposed_lanes(typingctx, vectors):
    """Transpose a square matrix of as many vectors as one has lanes."""
    # Butterfly transpose: two halves exchange blocks, then the halves of each block, down to single lanes.

    def codegen(context, builder, sig, args):
        rows = cgutils.unpack_tuple(builder, args[0])
        count, index = len(rows), ir.IntType(32)
        size = count // 2
        while size:
            low = [lane if not lane & size else count + lane - size for lane in range(count)]
            high = [lane + size if not lane & size else count + lane for lane in range(count)]
            for i in (i for i in range(count) if not i & size):
                a, b = rows[i], rows[i + size]
                for place, chosen in ((i, low), (i + size, high)):
                    rows[place] = builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(index, count), chosen))
            size //= 2
        return context.make_tuple(builder, sig.return_type, rows)

    return vectors(vectors), codegen


@intrinsic
def sum_of_lanes(typingctx, x):
    """Add up the lanes of a vector, pairwise from halves down to single lanes."""

    def codegen(context, builder, sig, args):
        value, count, index = args[0], sig.args[0].lanes, ir.IntType(32)
        while count > 1:
            count //= 2
            half = ir.VectorType(index, count)
            low, high = (ir.Constant(half, list(range(first, first + count))) for first in (0, count))
            value = builder.fadd(*(builder.shuffle_vector(value, value, lanes_of) for lanes_of in (low, high)))
        return builder.extract_element(value, ir.Constant(index, 0))

    return x.dtype(x), codegen


@intrinsic
def as_tuple(typingctx, value):
    """Return a tuple as it is, and a vector as a tuple of one."""
    if isinstance(value, types.BaseTuple):
        return value(value), lambda context, builder, sig, args: args[0]
    made = types.UniTuple(value, 1)
    return made(value), lambda context, builder, sig, args: context.make_tuple(builder, sig.return_type, args)


@intrinsic
def chosen(typingctx, places, values):
    """Choose the members of a tuple of vectors at the Static `places`."""

    def codegen(context, builder, sig, args):
        members = [builder.extract_value(args[1], p) for p in places.value]
        return context.make_tuple(builder, sig.return_type, members)

    return types.UniTuple(values.dtype, len(places.value))(places, values), codegen


@intrinsic
def merged(typingctx, count, a_places, a, b_places, b):
    """Scatter two tuples of vectors to places in a tuple of `count`, and add those at one place.

    With a `count` of 1 the result is a vector, not a tuple.
    """
    kind = (a if len(a_places.value) else b).dtype
    made = kind if count.value == 1 else types.UniTuple(kind, count.value)

    def codegen(context, builder, sig, args):
        sums = [None] * count.value
        for places, values in ((a_places.value, args[2]), (b_places.value, args[4])):
            for i, place in enumerate(places):
                value = builder.extract_value(values, i)
                sums[place] = value if sums[place] is None else builder.fadd(sums[place], value, flags=FLAGS)
        return sums[0] if count.value == 1 else context.make_tuple(builder, sig.return_type, sums)

    return made(count, a_places, a, b_places, b), codegen


@intrinsic
def has_nan(typingctx, x):
    """Return whether a lane is NaN."""

    def codegen(context, builder, sig, args):
        lanes_of = builder.fcmp_unordered("uno", args[0], args[0])
        bits = ir.IntType(sig.args[0].lanes)
        return builder.icmp_unsigned("!=", builder.bitcast(lanes_of, bits), ir.Constant(bits, 0))

    return types.boolean(x), codegen
