"""What the documentation shows is true: its code is in the examples, its links lead somewhere."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]


class Documentation(unittest.TestCase):
    def test_code_is_the_examples(self):
        examples = "".join(p.read_text() for p in ROOT.glob("examples/extending/*.cpp"))
        shown = re.findall(r"```cpp\n(.*?)```", (ROOT / "docs/extending.md").read_text(), re.S)
        marked = re.findall(r"^// \[(\w+)\]\n(.*?)^// \[\1\]\n", examples, re.S | re.M)
        self.assertGreaterEqual(len(shown), 8)
        self.assertEqual(sorted(shown), sorted(code for _, code in marked))

    def test_links(self):
        for page in PAGES:
            for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
                if not link.startswith(("http:", "https:", "#")):
                    path, _, _ = link.partition("#")
                    self.assertTrue((page.parent / path).exists(), f"{page.name}: {link}")

    def test_named_files_exist(self):
        """Paths in backticks that look like this tree's own."""
        for page in PAGES:
            for name in re.findall(r"`((?:tools|docs|examples|cmake)/[\w./-]+)`", page.read_text()):
                self.assertTrue((ROOT / name).exists(), f"{page.name}: {name}")
            for name in re.findall(r"`((?:base|core|samplers|data|families|metrics)/\w+\.[ch]pp)`",
                                   page.read_text()):
                self.assertTrue((ROOT / "pushforward" / name).exists(), f"{page.name}: {name}")


if __name__ == "__main__":
    unittest.main()
