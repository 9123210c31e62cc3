"""The onnxruntime side of the comparison: outputs only, of the model that `nr.interop.to_onnx` exports."""

import numbarnn as nr


class Runner:
    """onnxruntime packs the weights once. Its threads sleep between calls, to leave the cores to the others."""

    def __init__(self, workload, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = nr.interop.to_onnx(workload.cell, workload.params, time_major=True)
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.x = workload.x

    def forward(self):
        """Compute the outputs only."""
        return self.session.run(["outputs"], {"inputs": self.x})[0]

    def results(self):
        """Return the outputs by numbarnn's name."""
        return {"forward": self.forward()}
