#!/usr/bin/env python3
"""Writes tests/reference/data/vocabularies/: tiny vocabularies that Hugging Face's tokenizers and
Google's sentencepiece train and write, and what these make of some texts (encodings.json).
Needs tokenizers (0.23) and sentencepiece (0.2). With --full OUT the sentencepiece models use the whole
NFKC tables (240 kB each), and the texts are many random ones.

usage: tools/make_vocabulary_fixtures.py [--full] [OUT]"""
import json
import pathlib
import random
import sys

import sentencepiece
import tokenizers

full = "--full" in sys.argv
names = [a for a in sys.argv[1:] if a != "--full"]
out = pathlib.Path(names[0] if names else "tests/reference/data/vocabularies")
out.mkdir(parents=True, exist_ok=True)

CORPUS = """The quick brown fox jumps over the lazy dog. It wasn't the dog's fault; they'd said so.
In 1905 and in 2024, 42 foxes and 1905 dogs were counted: 3.14 each, or 2.71?
Les élèves étaient là, près de l'école; naïve café, garçon, où ça?
Die Straße führt über die Brücke, größer als zuvor. Übung macht den Meister.
Γειά σου Κόσμε, здравствуй мир, 你好世界, こんにちは世界, שלום עולם, नमस्ते दुनिया.
def f(x):\n    return x + 1  # comment\n\n\tif x == 0:\n\t\tpass
aaaa aaaaa aaa banana bananas bandana ananas abababab ababa
""".splitlines() * 3
TEXTS = [
    "", " ", "  ", "a", "the dog", " the dog", "the  quick   brown fox ", "They'd've said 'tis the dog's",
    "1905 and 2024, 42!!", "x²½Ⅷ٣३ 7a", "line one\nline two\n\n\n  line three\t\tend \n", "café naïve élèves",
    "e\u0301 e\u0301\u0323 e\u0323 \u212b ﬁne Ａｂｃ １２３", "你好世界 こんにちは", "😀😀 👩\u200d👩\u200d👧 flag 🇫🇷", "non\u00a0breaking\u3000wide\u2003em",
    "\u200bzero\u200b", "a\u0085b\u2028c\u2029d", "tab\tvertical\x0bfeed\x0creturn\r\n", "\x1c\x1d\x1e\x1f x",
    "bananabandanabananas", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "<s> </s> <unk> <|endoftext|> [SEP]",
    "▁under ▁▁score", "नमस्ते दुनिया", "שלום עולם", "ÅÅÅ ẞß ŉ ǆ", "0x0A <0x0A>", "[SEP]mid[SEP]", "unknown ☃☃ ☂ x ☃",
]
if full:
    rng = random.Random(1)
    words = " ".join(CORPUS).split(" ")
    ranges = [(32, 126), (9, 13), (160, 591), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA),
              (0x600, 0x6FF), (0x900, 0x97F), (0x2000, 0x206F), (0x2070, 0x218F), (0x3000, 0x30FF),
              (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFF00, 0xFFEF),
              (0x1D400, 0x1D7FF), (0x1F300, 0x1F6FF), (0x10000, 0x100FF), (0xE000, 0xE010)]
    for _ in range(3000):
        parts = []
        for _ in range(rng.randrange(12)):
            if rng.random() < 0.5:
                parts.append(rng.choice(words))
            else:
                low, high = rng.choice(ranges)
                parts.append("".join(chr(rng.randint(low, high)) for _ in range(rng.randrange(5))))
            parts.append(rng.choice(["", " ", " ", "  ", "\n"]))
        TEXTS.append("".join(parts))

result = {"texts": TEXTS, "models": {}}

gpt2 = tokenizers.ByteLevelBPETokenizer()
gpt2.train_from_iterator(CORPUS, vocab_size=257 + 150, min_frequency=2, special_tokens=["<|endoftext|>"],
                         show_progress=False)
gpt2.save_model(str(out), "gpt2")
plain = tokenizers.Tokenizer(tokenizers.models.BPE.from_file(str(out / "gpt2-vocab.json"),
                                                            str(out / "gpt2-merges.txt")))
plain.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
result["models"]["gpt2"] = {"symbols": [plain.encode(t, add_special_tokens=False).ids for t in TEXTS]}

rules = out / "rules.tsv"
# Some of NFKC, and one rule that makes a blank; code points in hexadecimal.
rules.write_text("65 301\tE9\n65 301 323\t45 65\n212B\tC5\nFB01\t66 69\nFF21\t41\nA0\t20\n3000\t20\n9\t20\nA\t20\n200B\t\n")
corpus = out / "corpus.txt"
corpus.write_text("\n".join(CORPUS), encoding="utf-8")
settings = {
    "unigram": dict(model_type="unigram", vocab_size=170, user_defined_symbols=["[SEP]"]),
    "bpe": dict(model_type="bpe", vocab_size=256 + 160, byte_fallback=True, remove_extra_whitespaces=False,
                user_defined_symbols=["[SEP]"], character_coverage=0.98),
    "plain": dict(model_type="unigram", vocab_size=140, add_dummy_prefix=False, character_coverage=0.98,
                  bos_id=-1, eos_id=-1),
}
for name, setting in settings.items():
    if full:
        setting["normalization_rule_name"] = {"unigram": "nmt_nfkc", "bpe": "identity", "plain": "nfkc_cf"}[name]
    elif name == "unigram":
        setting["normalization_rule_tsv"] = str(rules)
    else:
        setting["normalization_rule_name"] = "identity"
    sentencepiece.SentencePieceTrainer.train(input=str(corpus), model_prefix=str(out / name), hard_vocab_limit=False,
                                             minloglevel=2, num_threads=1, **setting)
    (out / f"{name}.vocab").unlink()
    model = sentencepiece.SentencePieceProcessor(model_file=str(out / f"{name}.model"))
    symbols = [model.encode(t) for t in TEXTS]
    result["models"][name] = {"size": model.get_piece_size(), "begin": model.bos_id(), "end": model.eos_id(),
                              "unknown": model.unk_id(), "symbols": symbols,
                              "decoded": [model.decode(s) for s in symbols]}
rules.unlink()
corpus.unlink()
(out / "encodings.json").write_text(json.dumps(result, ensure_ascii=True, separators=(",", ":")) + "\n")
