"""What the steps on geometry share: primitives that draw from the same vertices, and meshoptimizer's kernels."""
