"""The sink, and everybody Consentry races against.

A contender has a `name`, a `port` mail is sent to, a `sink` that counts what arrives, and a
`root` process whose tree is charged for the work (none for the bare wire).
"""

import os
import subprocess
from pathlib import Path
from string import Template

from .processes import RaceError, Workshop, free_port, output_of, program

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SINK_CONNECTIONS = 1024


def filled(template: str, **words: object) -> str:
    """A configuration from the templates folder."""
    return Template((TEMPLATES / template).read_text()).substitute(words)


class Sink:
    """smtp-sink: takes mail, throws it away, counts it."""

    def __init__(self, workshop: Workshop, name: str):
        self.port = free_port()
        self._log = workshop.folder / f"sink-{name}-{self.port}.log"
        # Without XFORWARD (-F) nobody spends a round trip on it. Counters with -c.
        command = [program("smtp-sink"), "-c", "-F", "-m", str(SINK_CONNECTIONS)]
        if os.geteuid() == 0:
            command += ["-u", "nobody"]
        command += [f"127.0.0.1:{self.port}", str(SINK_CONNECTIONS)]
        self.process = workshop.start(command, self._log)
        workshop.await_port(self.process, self.port, self._log)

    @property
    def root(self) -> int:
        """The process to charge."""
        return self.process.pid

    def messages(self) -> int:
        """Messages taken so far: `sess=1 quit=1 mesg=1`, overwritten with carriage returns."""
        with open(self._log, "rb") as log:
            log.seek(max(0, os.path.getsize(self._log) - 200))
            records = log.read().split(b"\r")
        last = next((r for r in reversed(records) if r.startswith(b"sess=") and b"mesg=" in r), b"")
        return int(last.rpartition(b"=")[2] or 0)


class Direct:
    """smtp-source straight into smtp-sink: what the tools themselves can do."""

    name, label, root = "direct", "direct", None

    def __init__(self, workshop: Workshop):
        self.sink = Sink(workshop, self.name)
        self.port = self.sink.port


class HaProxy:
    """HAProxy in TCP mode: moves bytes and understands none of them."""

    name, label = "haproxy", "HAProxy (TCP)"

    def __init__(self, workshop: Workshop):
        self.sink, self.port = Sink(workshop, self.name), free_port()
        config, log = workshop.folder / "haproxy.cfg", workshop.folder / "haproxy.log"
        config.write_text(filled("haproxy.cfg", port=self.port, sink_port=self.sink.port))
        child = workshop.start([program("haproxy"), "-db", "-f", str(config)], log)
        workshop.await_port(child, self.port, log)
        self.root = child.pid


class Postfix:
    """Postfix' smtpd with smtpd_proxy_filter: an instance of its own, beside the installed one."""

    name, label = "postfix", "Postfix (proxy)"

    def __init__(self, workshop: Workshop):
        if os.geteuid() != 0:
            raise RaceError(
                "Postfix starts as root only: run with sudo, or leave it out with "
                "--contenders direct,haproxy,consentry"
            )
        self.sink, self.port = Sink(workshop, self.name), free_port()
        home = workshop.scratch(None, "race-postfix")
        for name in ("conf", "queue", "data"):
            (home / name).mkdir()
        read = {
            key: output_of(program("postconf"), "-d", "-h", key)
            for key in ("mail_owner", "setgid_group", "daemon_directory", "command_directory")
        }
        subprocess.run(["chown", read["mail_owner"], str(home / "data")], check=True)
        words = {
            "home": home, "port": self.port, "sink_port": self.sink.port,
            "owner": read["mail_owner"], "group": read["setgid_group"],
            "daemons": read["daemon_directory"], "commands": read["command_directory"],
        }
        for name in ("main.cf", "master.cf"):
            (home / "conf" / name).write_text(filled(f"postfix-{name}", **words))
        conf, log = str(home / "conf"), home / "maillog"
        # `check` makes the queue's folders. The master is started without the start script,
        # which would put a shell in between that dies without passing signals on.
        subprocess.run([program("postfix"), "-c", conf, "check"], check=True, timeout=60)
        child = workshop.start([f"{read['daemon_directory']}/master", "-s", "-c", conf], log)
        workshop.await_port(child, self.port, log)
        self.root = child.pid


CLASSES = {contender.name: contender for contender in (Direct, HaProxy, Postfix)}
