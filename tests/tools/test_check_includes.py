"""tools/check_includes refuses what it says it refuses, and accepts this tree."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check(root):
    return subprocess.run([sys.executable, ROOT / "tools/check_includes", root],
                          capture_output=True, text=True)


class CheckIncludes(unittest.TestCase):
    def refused(self, name, text, complaint):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True)
            path.write_text(text)
            answer = check(folder)
            self.assertEqual(answer.returncode, 1, text)
            self.assertIn(f"{name}:", answer.stdout)
            self.assertIn(complaint, answer.stdout)

    def test_this_tree(self):
        answer = check(ROOT)
        self.assertEqual(answer.stdout, "")
        self.assertEqual(answer.returncode, 0)

    def test_refusals(self):
        hpp = "#pragma once\n"
        for name, text, complaint in [
            ("pushforward/nn/a.cpp", "#include <torch/torch.h>\n", "exact header"),
            ("tests/unit/a.cpp", "#include <torch/torch.h>\n", "exact header"),
            ("pushforward/base/a.cpp", "#include <c10/core/Device.h>\n", "without LibTorch"),
            ("tests/unit/base/a.cpp", "#include <ATen/core/Tensor.h>\n", "without LibTorch"),
            ("pushforward/nn/a.hpp", hpp + "#include <torch/nn/module.h>\n", "at most"),
            ("pushforward/base/json.cpp", "#include <toml++/toml.h>\n", "base/toml.cpp may"),
            ("pushforward/base/hdf5.cpp", "#include <hdf5.h>\n", "hdf5_calls.cpp may"),
            ("pushforward/training/a.cpp", "#include <CLI/CLI.hpp>\n", "pushforward/cli/ may"),
            ("pushforward/nn/a.cpp", '#include "pushforward/samplers/b.hpp"\n', "comes before"),
            ("pushforward/nn/a.cpp", '#  include "pushforward/cellar/b.hpp"\n', "no such room"),
            ("pushforward/cellar/a.cpp", "", "not a room"),
            ("pushforward/families/vae/a.cpp", '#include "pushforward/families/gan/b.hpp"\n',
             "never include each other"),
            ("pushforward/nn/a.hpp", "#include <vector>\n", "#pragma once"),
        ]:
            with self.subTest(name=name, text=text):
                self.refused(name, text, complaint)


if __name__ == "__main__":
    unittest.main()
