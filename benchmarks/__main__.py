"""Run every benchmark: `python -m benchmarks [NAME...]`.

A script prints its figures, exits 0 when it measured, 77 when something that it needs is absent (it says what), and
with anything else when a figure missed its limit or the script failed.
"""

import subprocess
import sys
from pathlib import Path

SKIPPED = 77


def main(wanted: list[str]) -> int:
    """Run the scripts named, or all; return 1 when one failed."""
    names = [path.stem for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))]
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    outcomes = {}
    for name in wanted or names:
        print(f"\n== {name}", flush=True)
        status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        outcomes[name] = {0: "measured", SKIPPED: "skipped"}.get(status, f"failed ({status})")
    print("\n" + "\n".join(f"{name:<16} {outcome}" for name, outcome in outcomes.items()))
    return 1 if any(outcome.startswith("failed") for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
