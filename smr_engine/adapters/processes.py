"""Other processes: which is which, and how to end one without hitting a stranger.

A process number is used again; together with the instant its process started it is not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
BOOT = PROC / "sys/kernel/random/boot_id"
CHECK_S = 0.05  # an end of a process that is not our child can only be looked for


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process for good: its number and the mark of its start."""

    pid: int
    mark: str

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Return who has this number now; None if nobody (a zombie is nobody)."""
        mark = _mark(pid)
        return cls(pid, mark) if mark else None

    @property
    def is_alive(self) -> bool:
        """Return whether this very process still runs."""
        return _mark(self.pid) == self.mark

    def end_group(self, grace_s: float) -> bool:
        """End the process and its group: SIGTERM, after the grace SIGKILL.

        Args:
            grace_s: seconds it has to end by itself.

        Returns:
            Whether it was there to be ended. Without effect on another process of that number.
        """
        if not self.is_alive:
            return False
        for sign, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, grace_s)):
            self._signal(sign)
            if self._ends_within(patience_s):
                break
        return True

    def _signal(self, sign: signal.Signals) -> None:
        """Signal the group where the process leads one, else the process alone."""
        try:
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, sign)
            else:
                os.kill(self.pid, sign)
        except ProcessLookupError:
            return  # it ended in between, which is what was wanted

    def _ends_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_alive:
            if time.monotonic() >= deadline:
                return False
            time.sleep(CHECK_S)
        return True


def _mark(pid: int) -> str:
    """Return what tells this process from others of its number; empty if there is none."""
    if not PROC.joinpath("self/stat").exists():
        return _mark_by_ps(pid)
    try:
        # The name in brackets may hold anything; the fields after it do not.
        fields = PROC.joinpath(str(pid), "stat").read_text(errors="replace").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, started = fields.split()[0], fields.split()[19]  # proc(5): fields 3 and 22
    return "" if state in "ZX" else f"{BOOT.read_text().strip()} {started}"


def _mark_by_ps(pid: int) -> str:
    """Return the mark where there is no /proc (macOS)."""
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()  # noqa: S603
    return "" if not found or found[0].startswith("Z") else " ".join(found[1:])
