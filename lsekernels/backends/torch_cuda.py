"""PyTorch on an NVIDIA GPU."""

from ..backend import Array, DeviceArray, HostResult, Unavailable
from .torch import Torch


class TorchCUDA(Torch):
    title = "PyTorch CUDA"
    tier = "gpu"
    device = "gpu"
    parallel = False  # no CPU threads
    max_error = Torch.max_error | {"moving_average": 16.0}

    target = "cuda"

    def load(self) -> None:
        super().load()
        if not self.torch.cuda.is_available():
            raise Unavailable("no CUDA device")
        self.torch.backends.cudnn.allow_tf32 = False  # of float32, conv1d would keep 11 bits
        self.generator = self.torch.Generator(self.target).manual_seed(0)

    def to_device(self, array: Array) -> DeviceArray:
        return super().to_device(array).to(self.target)

    def synchronize(self, result: DeviceArray) -> DeviceArray:
        self.torch.cuda.synchronize()
        return result

    def to_host(self, result: DeviceArray) -> HostResult:
        return result.cpu().numpy()
