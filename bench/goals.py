"""What tenon wants to reach, by group and row: at most so many times `cp`, milliseconds, and so on, in the row's own unit."""

import math

CONVERSIONS = ("tf-to-st", "st-to-tf", "tf-to-hdf5", "tf-to-keras", "hdf5-to-tf", "rename")
APART = "-apart"  # of a conversion's key: without what the helper for HDF5 took

GOALS = {
    **{("size300", key): 0.60 for key in CONVERSIONS},
    ("size300", "rename-link"): 0.01,
    ("size300", "verify"): 0.20,
    **{("size100k", key): 1.00 for key in CONVERSIONS if "hdf5" not in key and "keras" not in key},
    **{("size100k", key + APART): 1.00 for key in CONVERSIONS if "hdf5" in key or "keras" in key},
    ("size100k", "rename-link"): 0.10,
    ("size100k", "verify"): 0.20,
    ("size100k", "ls-tf"): 15,
    ("size100k", "ls-st"): 25,
    **{("cold", key): 0.95 for key in CONVERSIONS},
    ("startup", "version"): 2,
    ("rules", "plan-many"): 100,
    ("operations", "transposed"): 2,
    ("graphs", "ls-constants"): 2,
    ("graphs", "ls-variables"): 2,
}
KERNEL = 0.5  # of memcpy's speed, at least
EXPONENT = 1.10  # of a growth that counts as linear: n log n shows 1.07 between 10,000 and 1,000,000


def peak_mib(count):
    """Returns the most memory that a command may hold over a model of `count` tensors, whatever its size."""
    return 32 + math.ceil(count / 1024)
