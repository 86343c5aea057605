#!/usr/bin/env python3
"""Trains small models with sentencepiece and encodes texts: sentencepiece_golden.py TEXTS COUNT [all] > golden.json

TEXTS is a JSON file with a list "texts", from which the models are trained; the first COUNT of them are encoded. Prints
{"texts", "models": [{"name", "model" in base 64, "ids", "decoded"}]}. With "all", models with the large maps of
sentencepiece's own rules of normalization are among them. Null stands for what is not compared.
"""
import base64
import io
import json
import re
import sys
import tempfile

import sentencepiece

# Our own rules of normalization, in hexadecimal: ligatures, full-width letters, accents, white space, nothing.
RULES = ["FB01\t66 69", "3000\t20", "9\t20", "D\t20", "A\t20", "65 301\tE9", "2460\t31", "FF41\t61", "1\t",
         "BD\t31 2F 32"]

KINDS = {
    "unigram": dict(model_type="unigram"),
    "unigram with its own rules": dict(model_type="unigram", normalization_rule_name="nmt_nfkc"),
    "unigram with NFKC": dict(model_type="unigram", normalization_rule_name="nfkc"),
    "unigram without changes": dict(model_type="unigram", normalization_rule_name="identity",
                                    remove_extra_whitespaces=False),
    "unigram without a prefix": dict(model_type="unigram", add_dummy_prefix=False),
    "unigram with bytes": dict(model_type="unigram", byte_fallback=True, vocab_size=800),
    "unigram across words": dict(model_type="unigram", split_by_whitespace=False),
    "unigram with the user's": dict(model_type="unigram", user_defined_symbols=["<x>", "<y>"]),
    "unigram in small letters": dict(model_type="unigram", normalization_rule_name="nmt_nfkc_cf"),
    "BPE": dict(model_type="bpe"),
    "BPE as Llama's": dict(model_type="bpe", byte_fallback=True, vocab_size=800, normalization_rule_name="identity",
                           remove_extra_whitespaces=False),
    "BPE as Gemma's": dict(model_type="bpe", byte_fallback=True, vocab_size=800, normalization_rule_name="identity",
                           remove_extra_whitespaces=False, add_dummy_prefix=False,
                           user_defined_symbols=["<x>", "<y>"]),
    "BPE with NFKC and bytes": dict(model_type="bpe", byte_fallback=True, vocab_size=800,
                                    normalization_rule_name="nfkc"),
}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        texts = json.load(file)["texts"]
    models = []
    rules = tempfile.NamedTemporaryFile(mode="w", suffix=".tsv")
    rules.write("\n".join(RULES) + "\n")
    rules.flush()
    for name, settings in KINDS.items():
        named = settings.get("normalization_rule_name", "identity")
        if named != "identity" and "all" not in sys.argv:
            continue
        if "normalization_rule_name" not in settings:
            settings = settings | {"normalization_rule_tsv": rules.name}
        out = io.BytesIO()
        sentences = [line for text in texts for line in text.split("\n") if line]
        settings = dict(vocab_size=500, hard_vocab_limit=False, character_coverage=0.985, minloglevel=2) | settings
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(sentences), model_writer=out, **settings)
        processor = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
        ids = [processor.encode(text) for text in texts[:int(sys.argv[2])]]
        if named != "identity":
            # Hugging Face's normalizer, which the tokenizer.json has, leaves these sequences; sentencepiece composes.
            ids = [None if re.search("[\u1100-\u11ff]|\u0302\u0323", text) else row for text, row in zip(texts, ids)]
        models.append({"name": name, "model": base64.b64encode(out.getvalue()).decode(), "ids": ids,
                       "decoded": [None if row is None or processor.unk_id() in row else processor.decode(row)
                                   for row in ids]})
    print(json.dumps({"texts": texts[:int(sys.argv[2])], "models": models}, ensure_ascii=False))


if __name__ == "__main__":
    main()
