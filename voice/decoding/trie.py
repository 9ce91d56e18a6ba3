"""The words of a language model as a tree of characters, or of phones, in arrays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.decoding.ranges import ranges

ROOT = 0
_NAMES = ("first", "child", "label", "word", "ahead")


@dataclass(frozen=True)
class Trie:
    """Every prefix of every word is a node; the children of a node are neighbours in `child` and `label`."""

    first: npt.NDArray[Any]
    """(n + 1,) where each node's children begin."""
    child: npt.NDArray[Any]
    """(n - 1,) node of each child."""
    label: npt.NDArray[Any]
    """(n - 1,) CTC label of each child."""
    word: npt.NDArray[Any]
    """(n,) id of the word that ends in a node, -1 for none."""
    ahead: npt.NDArray[Any]
    """(n,) best unigram score of the words below a node (language model look-ahead, Ortmanns et al. 1996)."""
    others: npt.NDArray[Any] = field(default_factory=lambda: np.zeros((0, 2), np.int32))
    """(k, 2) node and id of further words that end in a node (to, too, two), by node."""

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays under the names by which a model file holds them."""
        return {f"trie_{name}": getattr(self, name) for name in _NAMES} | {"trie_others": self.others.reshape(-1)}

    @staticmethod
    def of(arrays: Mapping[str, npt.NDArray[Any]]) -> "Trie":
        """Return the trie that a model file holds."""
        others = np.asarray(arrays.get("trie_others", np.zeros(0, np.int32))).reshape(-1, 2)
        return Trie(**{name: arrays[f"trie_{name}"] for name in _NAMES}, others=others)

    def ends(self, nodes: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the words that end in nodes: the position in `nodes` and the id of each."""
        place = np.nonzero(self.word[nodes] >= 0)[0]
        words = np.asarray(self.word[nodes[place]], np.int64)
        if not len(self.others):
            return place, words
        first = np.searchsorted(self.others[:, 0], nodes, "left")
        counts = np.searchsorted(self.others[:, 0], nodes, "right") - first
        further = np.repeat(np.arange(len(nodes)), counts)
        at = ranges(first, counts)
        return np.concatenate([place, further]), np.concatenate([words, self.others[at, 1]])

    def with_one_word_each(self, scores: npt.NDArray[np.float32]) -> "Trie":
        """Return the trie with one word in a node: of those that are spelt alike the one with the best score, by id."""
        nodes = np.concatenate([np.flatnonzero(self.word >= 0), self.others[:, 0]])
        ids = np.concatenate([self.word[self.word >= 0], self.others[:, 1]])
        order = np.lexsort((scores[ids], nodes))
        last = np.flatnonzero(np.diff(nodes[order], append=-1))
        word = np.full(len(self.word), -1, np.int32)
        word[nodes[order][last]] = ids[order][last]
        return replace(self, word=word, others=np.zeros((0, 2), np.int32))

    def spelling(self, word: int) -> list[int]:
        """Return the labels of a word; where it has several spellings, of one; none for a word that has none."""
        nodes = np.concatenate([np.flatnonzero(self.word == word), self.others[self.others[:, 1] == word, 0]])
        labels: list[int] = []
        node = int(nodes[0]) if len(nodes) else ROOT
        while node != ROOT:
            at = int(np.flatnonzero(self.child == node)[0])
            labels.append(int(self.label[at]))
            node = int(np.searchsorted(self.first, at, "right")) - 1
        return labels[::-1]

    def with_entries(self, spellings: Sequence[Sequence[int]], first_id: int) -> "Trie":
        """Return the trie with further entries, of ids `first_id` and up; their look-ahead is left to the decoder.

        Args:
            spellings: labels of each; one that is there already gets the new id.
            first_id: id of the first.
        """
        parent = np.repeat(np.arange(len(self.word)), np.diff(self.first))
        extra_parent: list[int] = []
        extra_label: list[int] = []
        found: dict[tuple[int, int], int] = {}
        word = dict[int, int]()
        for i, spelling in enumerate(spellings):
            node = ROOT
            for label in spelling:
                step = self.child_by(node, label) if node < len(self.word) else None
                step = found.get((node, label)) if step is None else step
                if step is None:
                    step = found[node, label] = len(self.word) + len(extra_label)
                    extra_parent.append(node)
                    extra_label.append(label)
                node = step
            word[node] = first_id + i
        n = len(self.word) + len(extra_label)
        parents = np.concatenate([parent, np.asarray(extra_parent, parent.dtype)])
        children = np.concatenate([self.child, np.arange(len(self.word), n, dtype=np.int32)])
        labels = np.concatenate([self.label, np.asarray(extra_label, np.uint8)])
        order = np.argsort(parents, kind="stable")
        first = np.searchsorted(parents[order], np.arange(n + 1)).astype(np.int32)
        words = np.concatenate([self.word, np.full(len(extra_label), -1, np.int32)])
        words[list(word)] = list(word.values())
        ahead = np.concatenate([self.ahead, np.full(len(extra_label), -1e30, np.float32)])
        return Trie(first, children[order], labels[order], words, ahead, self.others)

    def child_by(self, node: int, label: int) -> int | None:
        """Return the child of a node by a label, None where it has none."""
        begin, end = int(self.first[node]), int(self.first[node + 1])
        at = np.flatnonzero(self.label[begin:end] == label)
        return int(self.child[begin + at[0]]) if len(at) else None

    def path(self, spelling: Sequence[int]) -> list[int]:
        """Return the nodes of a spelling, the root first, as far as they exist."""
        nodes = [ROOT]
        for label in spelling:
            step = self.child_by(nodes[-1], label)
            if step is None:
                break
            nodes.append(step)
        return nodes


def build_trie(words: Sequence[str], scores: npt.NDArray[np.float32], labels: Mapping[str, int], skip: int) -> Trie:
    """Return the trie of `words[skip:]`.

    Args:
        words: by id.
        scores: their unigram scores, shape (words,).
        labels: CTC label of each character; a word with another character is left out.
        skip: ids before this one are no words.
    """
    spelled = (
        (i, [labels[character] for character in words[i]])
        for i in range(skip, len(words))
        if all(character in labels for character in words[i])
    )
    return trie_of(spelled, scores)


def trie_of(spelled: Iterable[tuple[int, Sequence[int]]], scores: npt.NDArray[np.float32]) -> Trie:
    """Return the trie of spelled words.

    Args:
        spelled: id and labels of each; a word may come with several spellings, and several words with one.
        scores: unigram scores by id.
    """
    children: list[dict[int, int]] = [{}]
    word, ahead, others = [-1], [-np.inf], []
    for i, spelling in spelled:
        node, path = ROOT, [ROOT]
        for label in spelling:
            if label not in children[node]:
                children[node][label] = len(children)
                children.append({})
                word.append(-1)
                ahead.append(-np.inf)
            node = children[node][label]
            path.append(node)
        if word[node] in (-1, i):
            word[node] = i
        else:
            others.append((node, i))
        for above in path:
            ahead[above] = max(ahead[above], float(scores[i]))
    counts = [len(each) for each in children]
    return Trie(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        np.asarray([node for each in children for node in each.values()], np.int32),
        np.asarray([label for each in children for label in each], np.uint8),
        np.asarray(word, np.int32),
        np.asarray(ahead, np.float32),
        np.asarray(sorted(set(others)), np.int32).reshape(-1, 2),
    )
