#!/usr/bin/env python3
"""Unpacks the wheels in a folder: the libraries that a C++ program on a CPU loads, the headers and
the licences; nothing of Python, CUDA's kernels or the tests. Deletes each wheel when done."""
import pathlib
import re
import sys
import zipfile

WANTED = [
    r"torch/include/.+",
    r"torch/lib/lib(torch|torch_cpu|c10|gomp[^/]*|iomp[^/]*)\.so[.\d]*",
    r"nvidia/cu\d+/lib/lib(cudart|cupti)\.so[.\d]*",
]
LICENCE = re.compile(r"(torch|nvidia)[^/]*\.dist-info/licenses/(.+)")

folder = pathlib.Path(sys.argv[1])
for path in folder.glob("*.whl"):
    with zipfile.ZipFile(path) as wheel:
        for entry in wheel.infolist():
            licence = LICENCE.fullmatch(entry.filename)
            if licence:
                entry.filename = f"{licence[1]}/licenses/{path.name.split('-')[0]}/{licence[2]}"
            if licence or any(re.fullmatch(w, entry.filename) for w in WANTED):
                wheel.extract(entry, folder)
    path.unlink()
