"""What onnxruntime computes with a model of ONNX."""

from numpy.testing import assert_equal


def run(model, **inputs):
    """The outputs of a model by name, after it was checked with all its shapes."""
    import onnx
    import onnxruntime

    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs), strict=True))


def check_close(got, expected):
    assert_equal((got.dtype, got.shape), (expected.dtype, expected.shape))
    assert abs(got - expected).max() <= 1e-6 * max(1, abs(expected).max())
