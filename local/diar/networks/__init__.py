"""What runs a network, on a CPU or a GPU, and how one becomes an ONNX file in the cache."""
