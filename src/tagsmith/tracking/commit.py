"""From which commit a run was made."""

import subprocess


def commit() -> dict[str, str]:
    """Return tags that say so: `git_commit`, and `git_dirty` if there is one."""
    head = _output("git", "rev-parse", "HEAD")
    if head is None:
        return {"git_commit": "none"}
    changed = _output("git", "status", "--porcelain", "--untracked-files=no")
    return {"git_commit": head, "git_dirty": str(bool(changed)).lower()}


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - git, with our words
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
