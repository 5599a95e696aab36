"""Runs a program on a terminal of its own, and holds one of its inputs back until it has shown something, or for a while.

    pty.py WHERE FIFO INPUT PATIENCE PROGRAM ARGUMENT...

WHERE is `both` (the answer and everything else go to the terminal), `errors` (the answer goes to a pipe) or `none` (both go to pipes).
FIFO is a named pipe that the program reads. It gets the bytes of the file INPUT once the terminal, or the pipe of errors, has something
to read, or after PATIENCE seconds. Standard output: one JSON document with `code`, `early` (what was shown before the input came),
`shown` (all of it) and `answer` (what came through the pipe)."""

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
import threading

where, fifo, given, patience, *command = sys.argv[1:]
own, theirs = os.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
child = subprocess.Popen(
    command,
    stdin=subprocess.DEVNULL,
    stdout=theirs if where == "both" else subprocess.PIPE,
    stderr=subprocess.PIPE if where == "none" else theirs,
)
os.close(theirs)
errors = child.stderr.fileno() if child.stderr else own
answer: list[bytes] = []
reader = threading.Thread(target=lambda: answer.append(child.stdout.read() if child.stdout else b""))
reader.start()


def chunk() -> bytes:
    try:
        return os.read(errors, 65536)
    except OSError:  # the other end of a terminal is gone
        return b""


ready, _, _ = select.select([errors], [], [], float(patience))
early = chunk() if ready else b""
with open(given, "rb") as text, open(fifo, "wb") as pipe:
    pipe.write(text.read())
shown = early
while part := chunk():
    shown += part
reader.join()
code = child.wait()
print(json.dumps({
    "code": code,
    "early": early.decode(),
    "shown": shown.decode(),
    "answer": b"".join(answer).decode(),
}))
