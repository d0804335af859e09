"""Run the commands of a Markdown file that stand in a block marked `<!-- run by CI -->`."""

import os
import subprocess
import sys
from pathlib import Path

MARK = "<!-- run by CI -->"
LIMIT_S = 300


def marked_commands(text: str) -> list[str]:
    """Return the lines of all marked shell blocks, in their order."""
    commands: list[str] = []
    for part in text.split(MARK)[1:]:
        block = part.split("```sh\n", 1)[1].split("```", 1)[0]
        commands += [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
    return commands


def main() -> int:
    """Run each command and stop at the first that fails."""
    path = Path(sys.argv[1])
    commands = marked_commands(path.read_text("utf-8"))
    if not commands:
        print(f"{path}: holds no block marked {MARK}; mark the commands that anybody can run")
        return 1
    for command in commands:
        print(f"$ {command}", flush=True)
        done = subprocess.run(
            ["bash", "-c", command], cwd=path.parent, timeout=LIMIT_S, check=False, env=dict(os.environ)
        )
        if done.returncode != 0:
            print(f"{command}: ended with {done.returncode}, must end with 0; correct the README or the program")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
