"""Runs a command, keeps what it prints, and stops it when asked to."""

import os
import signal
import subprocess
import sys

TAIL_BYTES = 8192
TAIL_LINES = 10


class StopSignals:
    """Ends the command that runs when this process is asked to stop.

    Within the context, Ctrl-C, SIGTERM and SIGHUP (a closed terminal) reach
    the command as Ctrl-C, which recipes end on in good order, and this
    process goes on; a second signal ends the command at once.

    Example
    -------
    >>> with StopSignals() as signals:
    ...     signal.raise_signal(signal.SIGTERM)
    ...     signals.requested
    True
    """

    def __init__(self):
        self.requested = False
        self._process = None
        self._previous = {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            ignored = signal.getsignal(number) == signal.SIG_IGN
            # The command would inherit that a signal is ignored, and could
            # not be stopped by it; handlers it does not inherit.
            handler = _ignore if ignored else self._handle
            self._previous[number] = signal.signal(number, handler)
        return self

    def __exit__(self, *exception):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def watch(self, process):
        """Says which process to stop.

        Arguments
        ---------
        process : subprocess.Popen
            The command, the leader of its process group.
        """
        self._process = process
        if self.requested:  # before there was one
            process.send_signal(signal.SIGINT)

    def _handle(self, number, frame):
        """Passes a signal on."""
        again, self.requested = self.requested, True
        process = self._process
        if process is None or process.poll() is not None:
            return
        if again:
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.send_signal(signal.SIGINT)


def launch(command, log_file, signals, verbose=False):
    """Runs a command to its end.

    Arguments
    ---------
    command : list of str
        Program and arguments.
    log_file : str or Path
        What the command prints is appended here.
    signals : StopSignals
        The entered context that may stop the command.
    verbose : bool
        Whether to print it to standard error as well.

    Returns
    -------
    code : int
        Exit code; negative if a signal ended the command.
    tail : list of str
        The last lines that it printed.

    Example
    -------
    >>> log_file = getfixture("tmp_path") / "log"
    >>> with StopSignals() as signals:
    ...     launch(["sh", "-c", "echo Oh!; exit 3"], log_file, signals)
    (3, ['Oh!'])
    """
    tail = b""
    process = subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Ctrl-C in a terminal would reach the command a second time.
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with process, open(log_file, "ab") as log:
        signals.watch(process)
        while chunk := process.stdout.read(65536):
            log.write(chunk)
            log.flush()
            if verbose:
                sys.stderr.write(chunk.decode(errors="replace"))
                sys.stderr.flush()
            tail = (tail + chunk)[-TAIL_BYTES:]
    return process.returncode, _last_lines(tail)


def _last_lines(tail):
    """The last lines; of a progress bar, only its last state."""
    lines = tail.decode(errors="replace").rstrip().split("\n")
    shown = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in lines]
    return [line for line in shown if line][-TAIL_LINES:]


def _ignore(number, frame):
    """Handles a signal that shall change nothing."""
