"""tools/new_model.sh writes a model that compiles and, in the full tier, trains and obeys the laws.

    test_new_model.py BUILD [--full LIBTORCH]
"""
import json
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
LIBTORCH = None
if "--full" in sys.argv:
    at = sys.argv.index("--full")
    LIBTORCH = sys.argv[at + 1]
    del sys.argv[at:at + 2]


def run(*command, cwd, **more):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, **more)


def copy_tree(folder):
    names = run("git", "ls-files", cwd=ROOT, check=True).stdout.split("\n")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            target = pathlib.Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)


class NewModel(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        copy_tree(self.folder)
        answer = run("tools/new_model.sh", "toy_bridge", "bridge", cwd=self.folder)
        self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_pieces(self):
        """Both sources compile with the flags of this build; what is there is not overwritten."""
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        flags = next(c for c in commands if "pushforward.dir/" in c["command"])
        for name in ("bridge/toy_bridge.cpp", "catalogue.cpp"):
            source = f"{self.folder}/pushforward/families/{name}"
            words = [source if w.endswith(flags["file"]) else w for w in shlex.split(flags["command"])]
            words = [w for w in words if not w.endswith("ccache")]
            compiler = next(i for i, w in enumerate(words) if w.endswith(("++", "g++", "clang++")))
            words[compiler + 1:compiler + 1] = [f"-I{self.folder}", "-fsyntax-only"]
            answer = run(*words, cwd=flags["directory"])
            self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(run("tools/check_includes", cwd=self.folder).stdout, "")
        for arguments in (["toy_bridge", "bridge"], ["ddpm", "bridge"], ["Toy", "bridge"], ["toy"]):
            answer = run("tools/new_model.sh", *arguments, cwd=self.folder)
            self.assertEqual(answer.returncode, 2, arguments)
            self.assertIn("new_model:", answer.stderr)

    @unittest.skipUnless(LIBTORCH, "the full tier builds the tree with it")
    def test_trains_and_obeys_the_laws(self):
        def must(*command):
            answer = run(*command, cwd=self.folder)
            self.assertEqual(answer.returncode, 0, answer.stdout[-4000:] + answer.stderr[-4000:])
            return answer.stdout

        must("cmake", "--preset", "release", f"-DLIBTORCH={LIBTORCH}")
        must("cmake", "--build", "build/release", "-j2", "--target", "pushforward_program", "test_laws")
        program = "build/release/pushforward"
        self.assertIn("toy_bridge", must(program, "models"))
        must(program, "train", "toy_bridge-ring", "--set", "train.steps=20", "--out", "run")
        must(program, "sample", "run", "-n", "4", "--out", "samples.npz")
        self.assertIn("toy_bridge", must("build/release/tests/test_laws", "--success"))


if __name__ == "__main__":
    unittest.main()
