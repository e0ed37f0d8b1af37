#!/usr/bin/env python3
"""Writes tests/reference/data/h5py.h5: what h5py writes of each type, and what is to be refused.
Needs h5py and numpy; the figures in tests/unit/base/test_hdf5.cpp are those that are written here.

usage: tools/make_hdf5_fixture.py [OUT]"""
import sys

import h5py
import numpy as np

out = sys.argv[1] if len(sys.argv) > 1 else "tests/reference/data/h5py.h5"
with h5py.File(out, "w", libver="earliest") as f:
    for code in "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split():
        for order, name in (("<", "little"), (">", "big")):
            f[f"{name}/{code}"] = np.array([[1, 2, 3], [4, 5, 100]], dtype=order + code)
    f["bool"] = np.array([True, False, True])
    f["scalar"] = 0.5
    f["empty"] = np.zeros((0, 3), "f4")
    f["null"] = h5py.Empty("f4")
    # Enumerations and bit fields: 5 lies in none of the names.
    kind = h5py.enum_dtype({"DOG": -3, "CAT": 7}, basetype=">i2")
    f.create_dataset("kind", data=np.array([7, -3, 7], ">i2"), dtype=kind)
    bits = h5py.h5d.create(f.id, b"bits", h5py.h5t.STD_B8LE, h5py.h5s.create_simple((3,)))
    bits.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 0, 255], "u1"), h5py.h5t.NATIVE_B8)
    f.create_dataset("packed", data=np.arange(4000, dtype=">i4").reshape(40, 100), chunks=(7, 30),
                     compression="gzip", shuffle=True, fletcher32=True, maxshape=(None, 100))
    f["alias"] = h5py.SoftLink("/little/f4")
    f["dangling"] = h5py.SoftLink("/nothing")
    f["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    f["loop"] = f["/"]
    # To be refused, each with its reason.
    f["bad/text"] = np.array(["a", "b"], dtype="S1")
    f["bad/varying"] = np.array([np.arange(2.0), np.arange(3.0)], dtype=object).astype(
        h5py.vlen_dtype(np.float64))
    f["bad/complex"] = np.array([1 + 2j])
    f.create_dataset("bad/arrays", shape=(2,), dtype=np.dtype(("f4", (3,))))
    f["bad/long"] = np.array([1.5], dtype=np.longdouble)
    f.create_dataset("bad/outside", shape=(4,), dtype="u1", external=[("/etc/passwd", 0, 4)])
    f.create_dataset("bad/huge", shape=(2**40,), dtype="f8", chunks=(1024,))
    f.create_dataset("bad/lzf", data=np.zeros(100), compression="lzf")
    layout = h5py.VirtualLayout(shape=(3,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(3,))
with h5py.File(out, "a", libver=("v110", "v110")) as f:
    f.create_virtual_dataset("bad/virtual", layout)
