"""Starts commands for the bench, in a process that stays small, and measures them.

A child's peak memory begins with what its parent held when it was started, and a large parent starts children slowly; so the
bench, which makes large data, lets this program start them. It reads one JSON document a line and answers with one:

    {"command": [...], "watch": false}
        ->  {"seconds", "processor", "exit", "peak_kib", "helper_seconds", "helper_peak_kib"}

"seconds" is what the clock says, "processor" what the command and its children took of all processors.
Standard output of the commands goes to /dev/null. A command that is watched is looked at every millisecond, which tells what
its own children (tenon's helper for HDF5) took of memory and processor time; it should not be timed. Without children both
helper figures are 0.
"""

import json
import os
import sys
import time

PERIOD = 0.001  # seconds between two looks at a command that is watched


def start(command):
    actions = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    return os.posix_spawnp(command[0], command, os.environ, file_actions=actions)


def children(pid):
    """Returns the children of all threads of a process; none if it is gone."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found


def peak_kib(pid):
    """Returns the peak resident memory of the program that a process runs now, or None if it runs none any more."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM:")), None)
    except OSError:
        return None


def processor_seconds(pid):
    """Returns what a process took of all processors, in user and system; None if it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # the clock that clock_getcpuclockid(3) gives
    except OSError:
        return None


class Watch:
    """What was seen of a process and of its children while they ran."""

    def __init__(self, pid):
        self.pid, self.peak, self.helpers = pid, 0, {}

    def look(self):
        self.peak = peak_kib(self.pid) or self.peak
        for child in children(self.pid):
            seconds, peak = self.helpers.get(child, (0.0, 0))
            self.helpers[child] = (processor_seconds(child) or seconds, peak_kib(child) or peak)

    def until_end(self):
        while (ended := os.wait4(self.pid, os.WNOHANG))[0] == 0:
            self.look()
            time.sleep(PERIOD)
        return ended


def run(command, watched):
    begin = time.perf_counter()
    pid = start(command)
    watch = Watch(pid)
    _, status, usage = watch.until_end() if watched else os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    helpers = watch.helpers.values()
    return {
        "seconds": seconds,
        "processor": usage.ru_utime + usage.ru_stime,
        "exit": os.waitstatus_to_exitcode(status),
        # The system's own figure is exact, but the greatest of the process and its children.
        "peak_kib": watch.peak if helpers else usage.ru_maxrss,
        "helper_seconds": sum(spent for spent, _ in helpers),
        "helper_peak_kib": max((peak for _, peak in helpers), default=0),
    }


def main():
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(run(request["command"], request["watch"])), flush=True)


if __name__ == "__main__":
    main()
