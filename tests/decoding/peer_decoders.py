"""flashlight-text and pyctcdecode on given posteriors; run by the interpreter of an environment that has them.

python peer_decoders.py FOLDER    reads FOLDER/task.json and the .npy beside it, prints {"peer": [text, ...]}
"""

import json
import sys
from pathlib import Path

import numpy as np


def flashlight(task, posteriors, folder):
    """The lexicon decoder with KenLM, and the lexicon-free one without a language model; alignments add up."""
    from flashlight.lib.text.decoder import (
        CriterionType,
        LexiconDecoder,
        LexiconDecoderOptions,
        LexiconFreeDecoder,
        LexiconFreeDecoderOptions,
        SmearingMode,
        Trie,
        ZeroLM,
    )
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary

    labels, words = task["labels"], task["words"]
    blank, space = 0, labels.index(" ")
    dictionary = Dictionary()
    for word in [*words, "<unk>"]:
        dictionary.add_entry(word)
    model = KenLM(str(folder / "model.arpa"), dictionary)
    trie = Trie(len(labels), space)
    start = model.start(False)
    for word in words:
        index = dictionary.get_index(word)
        _, score = model.score(start, index)
        trie.insert([*(labels.index(c) for c in word), space], index, score)
    trie.smear(SmearingMode.MAX)
    options = LexiconDecoderOptions(
        beam_size=100, beam_size_token=len(labels), beam_threshold=200.0, lm_weight=task["weight"],
        word_score=task["bonus"], unk_score=-float("inf"), sil_score=0.0, log_add=True,
        criterion_type=CriterionType.CTC,
    )  # fmt: skip
    lexicon = LexiconDecoder(options, trie, model, space, blank, dictionary.get_index("<unk>"), [], False)
    free_options = LexiconFreeDecoderOptions(
        beam_size=100, beam_size_token=len(labels), beam_threshold=200.0, lm_weight=0.0, sil_score=0.0, log_add=True,
        criterion_type=CriterionType.CTC,
    )  # fmt: skip
    free = LexiconFreeDecoder(free_options, ZeroLM(), space, blank, [])
    by_words, by_letters = [], []
    for rows in posteriors:
        frames = np.ascontiguousarray(rows, np.float32)
        best = lexicon.decode(frames.ctypes.data, *frames.shape)[0]
        by_words.append(" ".join(dictionary.get_entry(i) for i in best.words if i >= 0))
        path = [i for i in free.decode(frames.ctypes.data, *frames.shape)[0].tokens if i >= 0]
        kept = [label for i, label in enumerate(path) if label != blank and (i == 0 or path[i - 1] != label)]
        by_letters.append(" ".join("".join(labels[i] for i in kept).split()))
    return {"flashlight lexicon": by_words, "flashlight free": by_letters}


def pyctcdecode(task, posteriors, folder):
    """The beam search with KenLM over any spelling, and without a language model."""
    from pyctcdecode import build_ctcdecoder

    labels = ["", *task["labels"][1:]]
    with_model = build_ctcdecoder(
        labels, str(folder / "model.arpa"), task["words"], task["weight"], task["bonus"],
        unk_score_offset=-task["unknown"], lm_score_boundary=True,
    )  # fmt: skip
    without = build_ctcdecoder(labels)
    options = {"beam_width": 64, "beam_prune_logp": -100.0, "token_min_logp": -12.0}
    return {
        "pyctcdecode": [with_model.decode(rows[:-1], **options) for rows in posteriors],
        "pyctcdecode free": [without.decode(rows[:-1], **options) for rows in posteriors],
    }


def kenlm_scores(task, folder):
    """The log-probability of each sentence with its end, decimal."""
    import kenlm

    model = kenlm.Model(str(folder / "model.arpa"))
    return [model.score(sentence, bos=True, eos=True) for sentence in task["sentences"]]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text())
    posteriors = [np.load(folder / f"{i}.npy") for i in range(task["n"])]
    found = {**flashlight(task, posteriors, folder), **pyctcdecode(task, posteriors, folder)}
    found["kenlm"] = kenlm_scores(task, folder)
    sys.stdout.write(json.dumps(found) + "\n")
