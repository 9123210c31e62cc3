"""SIMD vectors and raw pointers as Numba values.

A `Vector` is an LLVM vector `<lanes x float32 or float64>` that behaves as a number in compiled code. Its width follows the
features of the processor that Numba compiles for. Pointers have no layout, bounds or reference counts: kernels are given addresses.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.codegen import get_host_cpu_features
from numba.core.imputils import lower_cast, lower_constant
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_jitable, register_model, typeof_impl

FEATURES = (get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES).split(",")
BYTES = 64 if "+avx512f" in FEATURES else 32 if "+avx2" in FEATURES else 16
REGISTERS = 32 if BYTES == 64 or "+neon" in FEATURES else 16
INTP = types.intp
FLAGS = ("contract",)  # a*b+c may become one fma; NaN, infinities and the order of sums stay

helper = register_jitable(no_cfunc_wrapper=True)  # a wrapper would hold a second copy of the machine code


class Vector(types.Type):
    def __init__(self, dtype):
        self.dtype, self.lanes = dtype, BYTES * 8 // dtype.bitwidth
        super().__init__(f"{dtype}x{self.lanes}")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, ir.VectorType(manager.lookup(vector.dtype).get_value_type(), vector.lanes))


class Static:
    """A Python value that the compiler sees as a type: one function compiles once for each."""

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return Static, (self.value,)


class StaticType(types.Opaque):
    def __init__(self, value):
        self.value = value
        super().__init__(f"Static({value!r})")


typeof_impl.register(Static)(lambda static, context: StaticType(static.value))
register_model(StaticType)(models.OpaqueModel)
lower_constant(StaticType)(lambda context, builder, static, value: context.get_dummy_value())


WHOLE, BYTE = Static("int64"), Static("uint8")  # kinds of numbers behind a `pointer`


def vector_type(dtype):
    """The LLVM type of a `Vector` of a Numba float type."""
    return ir.VectorType(ir.FloatType() if dtype == types.float32 else ir.DoubleType(), Vector(dtype).lanes)


def spread(builder, kind, number):
    """`number` in every lane of an LLVM vector type."""
    undefined, index = ir.Constant(kind, ir.Undefined), ir.IntType(32)
    first = builder.insert_element(undefined, number, ir.Constant(index, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(index, kind.count), [0] * kind.count))


def llvm_call(builder, name, kind, args, suffix=""):
    """Call an LLVM intrinsic named after the vector type `kind`."""
    tag = f"v{kind.count}{'f32' if isinstance(kind.element, ir.FloatType) else 'f64'}"
    function = ir.FunctionType(kind, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, function, f"{name}.{tag}{suffix}"), args)


def load_at(builder, kind, pointer):
    value = builder.load(builder.bitcast(pointer, kind.as_pointer()))
    value.align = 4
    return value


def store_at(builder, value, pointer):
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = 4


# --- arithmetic


def _operator(op, emit, arity=2):
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
    """`number` in every lane of a vector like `like`."""
    return like(like, number), lambda context, builder, sig, args: context.cast(builder, args[1], number, like)


@intrinsic
def select_less(typingctx, a, b, x, y):
    """x where a < b, y elsewhere, also where a or b is NaN."""

    def codegen(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    return a(a, a, a, a), codegen


@intrinsic
def fabs(typingctx, x):
    return x(x), lambda context, builder, sig, args: llvm_call(builder, "llvm.fabs", args[0].type, args)


@intrinsic
def copysign(typingctx, x, sign):
    return x(x, x), lambda context, builder, sig, args: llvm_call(builder, "llvm.copysign", args[0].type, args)


@intrinsic
def power_of_two(typingctx, shifted):
    """2**n, from 1.5 * 2**mantissa_bits + n: n sits in the low bits and is moved into the exponent."""

    def codegen(context, builder, sig, args):
        bits, mantissa, bias = (32, 23, 127 << 23) if sig.args[0].dtype == types.float32 else (64, 52, 1023 << 52)
        kind, count = args[0].type, sig.args[0].lanes
        integers = ir.VectorType(ir.IntType(bits), count)
        exponent = builder.shl(builder.bitcast(args[0], integers), ir.Constant(integers, [mantissa] * count))
        return builder.bitcast(builder.add(exponent, ir.Constant(integers, [bias] * count)), kind)

    return shifted(shifted), codegen


# --- memory


@intrinsic
def pointer(typingctx, kind, address):
    """An address as pointer to numbers of a kind (Static name of a NumPy type)."""
    where = types.CPointer(getattr(types, kind.value))

    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[1], context.get_value_type(where))

    return where(kind, INTP), codegen


@intrinsic
def pointer_like(typingctx, data, address):
    """An address as pointer to numbers of the same kind."""

    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[1], args[0].type)

    return data(data, INTP), codegen


@intrinsic
def ahead(typingctx, data, count):
    """The pointer `count` numbers further on."""
    return data(data, INTP), lambda context, builder, sig, args: builder.gep(args[0], [args[1]])


@intrinsic
def lanes(typingctx, data):
    """Lanes of a vector of the numbers behind a pointer."""
    return INTP(data), lambda context, builder, sig, args: context.get_constant(INTP, Vector(data.dtype).lanes)


@intrinsic
def get(typingctx, data, index):
    return data.dtype(data, INTP), lambda context, builder, sig, args: builder.load(builder.gep(args[0], [args[1]]))


@intrinsic
def put(typingctx, data, index, value):
    def codegen(context, builder, sig, args):
        builder.store(args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(data, INTP, data.dtype), codegen


@intrinsic
def load(typingctx, data, index):
    """The vector at `index`."""

    def codegen(context, builder, sig, args):
        return load_at(builder, context.get_value_type(sig.return_type), builder.gep(args[0], [args[1]]))

    return Vector(data.dtype)(data, INTP), codegen


@intrinsic
def store(typingctx, data, index, value):
    def codegen(context, builder, sig, args):
        store_at(builder, args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(data, INTP, Vector(data.dtype)), codegen


@intrinsic
def load_each(typingctx, places, data, index, stride):
    """A tuple of vectors, at `index + place * stride` for each of the Static `places`."""

    def codegen(context, builder, sig, args):
        kind, stride = context.get_value_type(Vector(data.dtype)), args[3]
        where = [builder.add(args[2], builder.mul(stride, ir.Constant(stride.type, p))) for p in places.value]
        values = [load_at(builder, kind, builder.gep(args[1], [i])) for i in where]
        return context.make_tuple(builder, sig.return_type, values)

    return types.UniTuple(Vector(data.dtype), len(places.value))(places, data, INTP, INTP), codegen


@intrinsic
def store_each(typingctx, places, data, index, stride, values):
    """Store a tuple of vectors at `index + place * stride`."""

    def codegen(context, builder, sig, args):
        stride = args[3]
        for p, value in zip(places.value, cgutils.unpack_tuple(builder, args[4]), strict=True):
            at = builder.add(args[2], builder.mul(stride, ir.Constant(stride.type, p)))
            store_at(builder, value, builder.gep(args[1], [at]))
        return context.get_dummy_value()

    return types.void(places, data, INTP, INTP, values), codegen


def _first_lanes(builder, kind, count):
    lane = ir.VectorType(ir.IntType(32), kind.count)
    limit = spread(builder, lane, builder.trunc(count, ir.IntType(32)))
    return builder.icmp_signed("<", ir.Constant(lane, list(range(kind.count))), limit)


@intrinsic
def load_part(typingctx, data, index, count):
    """The first `count` numbers at `index`, zeros in the other lanes; memory past them is not touched."""

    def codegen(context, builder, sig, args):
        kind = context.get_value_type(sig.return_type)
        zeros = ir.Constant(kind, [0.0] * kind.count)
        where = builder.gep(args[0], [args[1]])
        result = cgutils.alloca_once_value(builder, zeros)
        whole = builder.icmp_signed(">=", args[2], ir.Constant(args[2].type, kind.count))
        with builder.if_else(whole, likely=True) as (full, part):
            with full:
                builder.store(load_at(builder, kind, where), result)
            with part:
                mask = _first_lanes(builder, kind, args[2])
                start = builder.bitcast(where, kind.as_pointer())
                masked = [start, ir.Constant(ir.IntType(32), 4), mask, zeros]
                builder.store(llvm_call(builder, "llvm.masked.load", kind, masked, ".p0"), result)
        return builder.load(result)

    return Vector(data.dtype)(data, INTP, INTP), codegen


@intrinsic
def first_lanes(typingctx, vectors, count):
    """A tuple of vectors with zeros from lane `count` on, whatever stands there (NaN too)."""

    def codegen(context, builder, sig, args):
        kind = context.get_value_type(vectors.dtype)
        zeros, mask = ir.Constant(kind, [0.0] * kind.count), _first_lanes(builder, kind, args[1])
        kept = [builder.select(mask, v, zeros) for v in cgutils.unpack_tuple(builder, args[0])]
        return context.make_tuple(builder, sig.return_type, kept)

    return vectors(vectors, INTP), codegen


@intrinsic
def zeros_like(typingctx, places, data):
    """A tuple of vectors of zeros, one for each of the Static `places`."""
    vector = Vector(data.dtype)

    def codegen(context, builder, sig, args):
        zeros = ir.Constant(context.get_value_type(vector), [0.0] * vector.lanes)
        return context.make_tuple(builder, sig.return_type, [zeros] * len(places.value))

    return types.UniTuple(vector, len(places.value))(places, data), codegen


@intrinsic
def address(typingctx, data):
    return INTP(data), lambda context, builder, sig, args: builder.ptrtoint(args[0], context.get_value_type(INTP))


@intrinsic
def added(typingctx, x, y):
    """Sums of two tuples of vectors."""

    def codegen(context, builder, sig, args):
        pairs = zip(cgutils.unpack_tuple(builder, args[0]), cgutils.unpack_tuple(builder, args[1]), strict=True)
        return context.make_tuple(builder, sig.return_type, [builder.fadd(a, b, flags=FLAGS) for a, b in pairs])

    return x(x, y), codegen


@intrinsic
def has_nan(typingctx, x):
    def codegen(context, builder, sig, args):
        lanes_of = builder.fcmp_unordered("uno", args[0], args[0])
        bits = ir.IntType(sig.args[0].lanes)
        return builder.icmp_unsigned("!=", builder.bitcast(lanes_of, bits), ir.Constant(bits, 0))

    return types.boolean(x), codegen
