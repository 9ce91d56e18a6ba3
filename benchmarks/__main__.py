"""Run every benchmark: `python -m benchmarks [NAME...]`.

A script prints its figures and exits 0 when it measured; anything else means that a figure missed its limit or that the
script failed. Those that read the speech data are skipped, and say so, where EARSHOT_DATA is not set.
"""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SKIPPED = "skipped: set EARSHOT_DATA to the folder of the speech data pack"


def run(name: str) -> str:
    """Run one script and say how it ended."""
    if "EARSHOT_DATA" in (FOLDER / f"{name}.py").read_text(encoding="utf-8") and not os.environ.get("EARSHOT_DATA"):
        return SKIPPED
    status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    return f"failed ({status})" if status else "measured"


def main(wanted: list[str]) -> int:
    """Run the scripts named, or all; return 1 when one failed."""
    names = [path.stem for path in sorted(FOLDER.glob("[a-z]*.py"))]
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    outcomes = {}
    for name in wanted or names:
        print(f"\n== {name}", flush=True)
        outcomes[name] = run(name)
        print(outcomes[name], flush=True)
    print("\n" + "\n".join(f"{name:<16} {outcome}" for name, outcome in outcomes.items()))
    return 1 if any(outcome.startswith("failed") for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
