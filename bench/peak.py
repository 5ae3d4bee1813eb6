"""Runs a command and says its peak memory on the last line of standard error, in KiB; exits as the command did.

Small on purpose, and a process of its own: the kernel counts into a command's peak what its starter held when it began.
"""

import os
import subprocess
import sys

process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
