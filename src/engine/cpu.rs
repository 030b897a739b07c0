//! The CPU engine: the same factorised steps as the kernels in `shaders/`, on threads.
