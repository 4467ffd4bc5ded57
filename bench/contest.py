"""Runs contestants in turn, so that what else the machine does hits them alike, and keeps what was measured."""

import dataclasses
import errno
import json
import os
import pathlib
import statistics
import subprocess
import sys

RUNNER = pathlib.Path(__file__).resolve().parent / "runner.py"
MOST_SAID = 20  # rounds; more are short ones


@dataclasses.dataclass
class Contestant:
    key: str
    label: str
    command: list  # run in the contest's folder
    leaves: tuple = ()  # patterns of the files that it writes, which are removed after each run
    most_rounds: int = 1000
    who: str = "tenon"  # tenon, or whom it is measured against: cp, python


@dataclasses.dataclass
class Measured:
    times: list = dataclasses.field(default_factory=list)  # seconds, one a round
    processor: list = dataclasses.field(default_factory=list)  # seconds of all processors, one a round
    peak_kib: int = 0
    helper_seconds: float = 0.0
    helper_peak_kib: int = 0

    @property
    def median(self):
        return statistics.median(self.times)


class Runner:
    """The process that starts the commands. Used as a context, it ends with it."""

    def __init__(self, folder):
        command = [sys.executable, "-I", "-S", str(RUNNER)]
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def run(self, command, watch=False):
        request = {"command": [str(word) for word in command], "watch": watch}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Contest:
    def __init__(self, folder, rounds, say=lambda text: None):
        self.folder, self.rounds, self.say = folder, rounds, say
        self.contestants, self.measured = [], {}
        self.cold_files = ()

    def add(self, key, label, command, leaves=(), **more):
        self.contestants.append(Contestant(key, label, command, leaves, **more))

    def keep_cold(self, paths):
        """Has these files dropped from the page cache before each run. Returns whether the file system lets go of them."""
        self.cold_files = tuple(paths)
        self._drop()
        return not any(is_cached(path) for path in self.cold_files)

    def _drop(self):
        for path in self.cold_files:
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _run_one(self, runner, contestant, watch):
        self._drop()
        result = runner.run(contestant.command, watch)
        if result["exit"] != 0:
            raise SystemExit(f"bench: {contestant.label}: exit {result['exit']}: {contestant.command}")
        for pattern in contestant.leaves:
            for path in self.folder.glob(pattern):
                path.unlink()
        return result

    def run(self):
        """Runs everybody once to warm up, watched, then `rounds` times. Returns {key: Measured}."""
        self.say("warms up")
        with Runner(self.folder) as runner:
            for contestant in self.contestants:
                result = self._run_one(runner, contestant, True)
                del result["seconds"], result["processor"], result["exit"]
                self.measured[contestant.key] = Measured(**result)
            for number in range(self.rounds):
                if self.rounds <= MOST_SAID:
                    self.say(f"round {number + 1} of {self.rounds}")
                for contestant in self.contestants:
                    if number < contestant.most_rounds:
                        result = self._run_one(runner, contestant, False)
                        self.measured[contestant.key].times.append(result["seconds"])
                        self.measured[contestant.key].processor.append(result["processor"])
        return self.measured


def is_cached(path):
    """Says whether the page in a file's middle is in memory; it is afterwards out of it, or was never let go. Where the
    file system cannot tell, it may be."""
    with open(path, "rb") as file:
        try:
            os.preadv(file.fileno(), [bytearray(1)], os.fstat(file.fileno()).st_size // 2, os.RWF_NOWAIT)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
    return True
