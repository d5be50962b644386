"""Running networks on a CPU or a GPU, and exporting them to ONNX files in the cache."""
