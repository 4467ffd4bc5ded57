"""Where a run of the bench took place: what a reader must know to compare its figures with others."""

import os
import pathlib
import platform
import re
import subprocess
import time


def first_match(path, pattern, otherwise):
    match = re.search(pattern, pathlib.Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return match.group(1) if match else otherwise


def file_system(folder):
    """Returns the type of the file system that a folder lies on, as /proc/self/mountinfo calls it."""
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[2] == wanted:
            return fields[fields.index("-") + 1]
    return "unknown"


def facts(tenon, folder):
    version = subprocess.run([tenon, "--version"], stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "tenon": version.splitlines()[0],
        "processor": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$", platform.machine()),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(first_match("/proc/meminfo", r"^MemTotal:\s*(\d+)", "0")) / 2**20),
        "kernel": platform.release(),
        "file_system": file_system(folder),
        "load": round(os.getloadavg()[0], 2),  # of the minute before the run
    }


def sentence(machine):
    return (
        f"{machine['tenon']}; {machine['processor']}, {machine['processors']} processors, {machine['memory_gib']} GiB; "
        f"Linux {machine['kernel']}; {machine['file_system']}; load before the run {machine['load']}; {machine['date']}"
    )
