"""Wake words beside other engines: misses at one false accept in ten hours, delay, CPU, memory, size.

    python -m benchmarks.wake_word [--data DATA] [--more FOLDER]... [--skip LIST]... [--bundle BUNDLE]... [--quick]
    python -m benchmarks.wake_word --bundle DIR --recordings DIR --quick [--split dev]
    python -m benchmarks.wake_word --bundle computer --record            the results into the bundle and its card

DATA is the unpacked data pack (or EARSHOT_DATA), FOLDER further speech (or EARSHOT_MORE, several with `:`).

Strict: running speech is the negative, every second of it, as one stream (test clips, whose speakers no training heard
where speakers are known: Common Voice clips without a row in its tables have none, their neighbours stay together); the
recordings of the word are those of the test part, each distinct take once, clean, 10 dB above recorded noise, pink
noise and six people who talk (mean power of the word's loudest half second), and by mu-law telephone; one hit a
recording, up to a second after its end; 1.5 s of refractory time. One threshold for all conditions: the loosest with
at most one false accept in ten hours of that speech. Delays count from where somebody noted the end of the word, else
from where its loudest stretch ends, which is late where a room rings on: they compare engines, and err towards early.
The published protocol is in benchmarks/wake/picovoice.py. PocketSphinx, being slow, hears a quarter of the running
speech and no protocol; the table shows the hours.

Peers hear the same samples, each in a process of its own (`make peers` installs them; benchmarks/wake/peer.py). Scores
are kept below EARSHOT_WAKE_CACHE (~/.cache/earshot/wake-benchmark) by checksum of audio and version: an interrupted run
goes on, and a new bundle costs only its own time. The first run of the peers takes an hour of one core.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.wake.evaluation import Figures, evaluate_bundle, measure, table
from benchmarks.wake.limits import limits
from benchmarks.wake.ours import our_track
from benchmarks.wake.peers import PEERS, Cost, Peer, cost, installed, peer_tracks
from benchmarks.wake.picovoice import HOURS, protocol_curve, protocol_stream
from benchmarks.wake.report import groups_table, protocol_table, shipped_table, strict_table
from benchmarks.wake.scoring import AtRate, Track
from benchmarks.wake.sound import untrained_noise
from benchmarks.wake.speech import Speech, decoded, speech_clips
from benchmarks.wake.streams import Stream, Take, takes, word_streams
from benchmarks.wake.synthetic import synthetic
from kws_training.cards import record_results, result
from kws_training.evaluate import poisson
from kws_training.report import say
from voice.errors import EarshotError
from voice.events import RATE
from voice.models.bundle import Bundle, load_bundle
from voice.models.wake import StreamingWakeDetector

WORDS = ("computer", "jarvis")
_COST_S = 180


def main() -> int:
    """Print the tables; return the exit status."""
    arguments = _arguments()
    if arguments.data is None:
        print("name the data pack with --data or EARSHOT_DATA", file=sys.stderr)
        return 2
    try:
        return run(arguments)
    except EarshotError as error:
        print(error, file=sys.stderr)
        return 1


def run(arguments: argparse.Namespace) -> int:
    """Measure what was asked for and print it; return 1 where a limit is missed."""
    bundles = {name: _bundle(name) for name in arguments.bundle or WORDS}
    speech = decoded(speech_clips(arguments.data, arguments.more, arguments.skip, _part(arguments.split) or "test"))
    have = {} if arguments.quick or arguments.no_peers else installed()
    if not have and not arguments.quick and not arguments.no_peers:
        print("no peers: `make peers` installs them beside our environment")
    peers = [peer for peer in PEERS if peer.name in have and _wanted(peer, arguments.engines)]
    found: list[Figures] = []
    protocol: dict[tuple[str, str], AtRate] = {}
    costs: dict[tuple[str, str], Cost] = {}
    for name, bundle in bundles.items():
        word = bundle.manifest.labels[0] if bundle else name
        said = takes(
            arguments.recordings or arguments.data / "wake" / word.replace(" ", "_"),
            _part(arguments.split),
            arguments.without.read_text(encoding="utf-8").split() if arguments.without else (),
        )
        figures = measured(bundle, word, said, speech, arguments, {p.name: have[p.name] for p in peers})
        found += figures
        for one in figures:
            print(table(one), end="\n\n", flush=True)
        if not arguments.quick:
            known = [peer for peer in peers if word in peer.shipped]
            costs |= _costs(bundle, word, known, speech)
            if arguments.protocol:
                protocol |= _protocol(bundle, word, said, speech, arguments, {p.name: have[p.name] for p in known})
        if bundle and (arguments.record or not arguments.quick):
            results = _more_of_ours(bundle, word, speech, arguments, figures[0], costs.get(("earshot", word)))
            if arguments.record:
                record_results(bundle, results)
    _report(found, protocol, costs, arguments)
    asked = limits(found, costs)
    for text, met in asked:
        print("met:   " if met else "MISSED:", text)
    return 0 if all(met for _, met in asked) else 1


def measured(
    bundle: Bundle | None,
    word: str,
    said: Sequence[Take],
    speech: Speech,
    arguments: argparse.Namespace,
    peers: dict[str, str],
) -> list[Figures]:
    """Return the strict figures of all engines for one word, ours first."""
    voices, figures = speech.clips, []
    if bundle:
        figures.append(
            evaluate_bundle(
                bundle.folder, said, speech.stream(), data=arguments.data, voices=voices, threshold=arguments.threshold
            )
        )
    words = word_streams(said, arguments.data, voices)
    for peer in (one for one in PEERS if one.name in peers):
        version = peers[peer.name]
        if word in peer.shipped:
            negatives = speech.stream(peer.every)
            known = [one for one in peer.shipped if not one.startswith("hey ")]

            def heard(stream: Stream, peer: Peer = peer, version: str = version, known: list[str] = known) -> Track:
                return peer_tracks(peer, version, [word] if stream.spans else known, stream)[word]

            figures.append(measure(peer.name, word, heard, words, negatives, shipped=peer.shipped[word]))
    return figures


def _protocol(
    bundle: Bundle | None,
    word: str,
    said: Sequence[Take],
    speech: Speech,
    arguments: argparse.Namespace,
    peers: dict[str, str],
) -> dict[tuple[str, str], AtRate]:
    stream = protocol_stream(said, speech, untrained_noise(arguments.data), arguments.protocol)
    tracks = {"earshot": our_track(bundle, stream)} if bundle else {}
    for peer in (one for one in PEERS if one.name in peers):
        version = peers[peer.name]
        if peer.every == 1:  # slow ones would take half an hour for each word
            tracks[peer.name] = peer_tracks(peer, version, [word], stream)[word]
    return {(word, name): protocol_curve(track, stream.spans).at_rate(0.1) for name, track in tracks.items()}


def _costs(bundle: Bundle | None, word: str, peers: Sequence[Peer], speech: Speech) -> dict[tuple[str, str], Cost]:
    """Return what each engine takes for three minutes of running speech."""
    audio = speech.samples[: _COST_S * RATE]
    found = {("earshot", word): cost("earshot", str(bundle.folder), audio)} if bundle else {}
    return found | {(peer.name, word): cost(peer.name, word, audio) for peer in peers}


def _more_of_ours(
    bundle: Bundle,
    word: str,
    speech: Speech,
    arguments: argparse.Namespace,
    figures: Figures,
    price: Cost | None,
) -> list[dict[str, Any]]:
    """Print what only our bundle is asked, at its threshold; return all results for its card."""
    results = _results(figures, "test recordings of the data pack")
    hey = arguments.data / "wake" / f"hey_{word}"
    if hey.is_dir():
        other = evaluate_bundle(
            bundle.folder,
            hey,
            speech.stream(),
            data=arguments.data,
            voices=speech.clips,
            threshold=arguments.threshold,
        )
        print(table(other), end="\n\n")
        results += _results(other, "test recordings of the data pack", f"hey_{word}")
    if not arguments.no_voices:
        results += synthetic(StreamingWakeDetector(bundle, arguments.threshold), word)
    price = price or cost("earshot", str(bundle.folder), speech.samples[: _COST_S * RATE])
    on = "chunks of 20 ms, features included"
    print(f"  CPU: {100 * price.cpu:.2f} % of one core, {on}; {price.rss_mb:.0f} MB with Python", end="\n\n")
    rate, low, high = (round(limit, 2) for limit in poisson(figures.shipped_false or 0, figures.hours))
    heard = f"{figures.hours:.2f} h of running speech in {len(speech.clips)} clips, none of them trained on, one stream"
    return [
        *results,
        {"name": "CPU, share of one core", "value": round(price.cpu, 4), "on": on},
        {
            "name": "false accepts an hour",
            "value": rate,
            "low": low,
            "high": high,
            "n": figures.shipped_false,
            "on": heard,
        },
    ]


def _results(figures: Figures, on: str, label: str | None = None) -> list[dict[str, Any]]:
    """Return the misses at the bundle's threshold as results of its card."""
    label = label or figures.word
    named = {
        "clean": f"missed, {label}",
        "noise, 10 dB": f"missed, {label}, 10 dB above noise",
        "pink noise, 10 dB": f"missed, {label}, 10 dB above pink noise",
        "talk of six, 10 dB": f"missed, {label}, 10 dB above talk of six",
        "telephone": f"missed, {label}, by mu-law telephone",
    }
    where = {one.name: on if one.name == "clean" else "the same recordings" for one in figures.conditions}
    return [result(named[one.name], one.shipped, where[one.name]) for one in figures.conditions if one.shipped]


def _report(
    found: Sequence[Figures],
    protocol: dict[tuple[str, str], AtRate],
    costs: dict[tuple[str, str], Cost],
    arguments: argparse.Namespace,
) -> None:
    if not found:
        print("nothing was measured: no bundle and no peer knows the words")
        return
    parts = [strict_table(found, costs), shipped_table(found), groups_table(found)]
    if protocol:
        parts.insert(1, protocol_table(protocol))
    text = "\n\n".join(part for part in parts if part)
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")
    if arguments.plot:
        from benchmarks.wake.plot import det_plot

        det_plot(found, arguments.plot)


def _bundle(name: str) -> Bundle | None:
    try:
        return load_bundle(name, kind="wake")
    except EarshotError as error:
        if name not in WORDS and not any(name in peer.shipped for peer in PEERS):
            raise
        say(f"no bundle of ours for {name!r} yet: {error}")
        return None


def _part(split: str) -> str | None:
    return None if split == "all" else split


def _wanted(peer: Peer, engines: str | None) -> bool:
    return peer.name in engines.split(",") if engines else peer.default


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given = os.environ.get("EARSHOT_DATA")
    more = [Path(folder) for folder in os.environ.get("EARSHOT_MORE", "").split(os.pathsep) if folder]
    parser.add_argument("--data", type=Path, default=Path(given) if given else None, help="the unpacked data pack")
    parser.add_argument("--more", type=Path, action="append", help="folder of further speech; repeatable")
    parser.add_argument("--skip", type=Path, action="append", default=[], help="list of clips to leave out; repeatable")
    parser.add_argument("--bundle", action="append", help=f"name or folder, repeatable; {' and '.join(WORDS)}")
    parser.add_argument("--recordings", type=Path, help="folder of the word; DATA/wake/WORD")
    parser.add_argument("--without", type=Path, help="list of speakers or recordings that the bundle was trained on")
    parser.add_argument(
        "--split",
        choices=("test", "dev", "all"),
        default="test",
        help="part of recordings and speech; all: every recording",
    )
    parser.add_argument("--threshold", type=float, help="instead of the bundle's")
    parser.add_argument(
        "--quick", action="store_true", help="our bundle on recordings and running speech, nothing else"
    )
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-voices", action="store_true", help="leave the synthetic voices out")
    parser.add_argument("--engines", help="peers to take, separated by commas")
    parser.add_argument(
        "--protocol", type=float, default=HOURS, help="hours of the published protocol; 0 leaves it out"
    )
    parser.add_argument("--record", action="store_true", help="write the results into the bundle and its card")
    parser.add_argument("--markdown", type=Path, help="write the tables here")
    parser.add_argument("--plot", type=Path, help="write the DET plot here, PNG")
    arguments = parser.parse_args()
    arguments.more = arguments.more or more
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
