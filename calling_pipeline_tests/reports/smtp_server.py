"""An SMTP server that lies, in a process of its own: `python -m calling_pipeline_tests.reports.smtp_server FILE [options]`.

What it accepted is the judge: one JSON line in FILE for each mail, written before any answer. What it does with a mail
says the first word of the receiver's name (`cut.7@example.com`), so that each receiver of a run has its own fault.
"""

from __future__ import annotations

import argparse
import asyncio
import email.policy
import json
import ssl
from email.parser import BytesHeaderParser
from pathlib import Path

HOLDS = ("greeting", "rcpt", "data", "dot", "answer")
"""Steps at which the server stops and waits, for a test that kills its client there."""


class Server:
    """One connection after another, many at once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.seen: set[str] = set()
        self.accepted = 0

    async def serve(self) -> None:
        """Print the port, then serve without end."""
        tls = self._context()
        server = await asyncio.start_server(self._client, "127.0.0.1", 0, ssl=tls if self.options.tls else None)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await server.serve_forever()

    def _context(self) -> ssl.SSLContext | None:
        if not self.options.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.options.certificate)
        return context

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.options.no_banner:
            await asyncio.sleep(3600)
        await self._hold("greeting", "")
        receiver = ""
        await _say(writer, "220 liar ready")
        while line := (await reader.readline()).decode("latin-1").strip():
            verb = line[:4].upper()
            if verb == "EHLO":
                offered = [
                    "liar",
                    *(["STARTTLS"] if self.options.starttls else []),
                    *(["PIPELINING"] if self.options.pipelining else []),
                    *(["AUTH PLAIN"] if self.options.auth else []),
                ]
                for place, word in enumerate(offered):
                    await _say(writer, f"250{'-' if place < len(offered) - 1 else ' '}{word}")
            elif verb == "STAR":
                await _say(writer, "220 go on")
                context = self._context()
                assert context is not None
                await writer.start_tls(context)
            elif verb == "AUTH":
                await _say(
                    writer, "235 welcome" if self.options.auth == "ok" else "535 5.7.8 wrong password of root@example.com"
                )
            elif verb == "RCPT":
                receiver = line.partition("<")[2].partition(">")[0]
                if not await self._receiver(receiver, writer):
                    return
            elif verb == "DATA":
                if not await self._mail(receiver, reader, writer):
                    return
            elif verb == "QUIT":
                await _say(writer, "221 bye")
                return
            else:
                await _say(writer, "250 fine")

    async def _receiver(self, receiver: str, writer: asyncio.StreamWriter) -> bool:
        await self._hold("rcpt", receiver)
        match receiver.split(".", maxsplit=1)[0]:
            case "no":
                await _say(writer, f"550 5.1.1 <{receiver}> unknown here")
            case "grey" if receiver not in self.seen:
                self.seen.add(receiver)
                await _say(writer, "451 4.7.1 come back later")
            case "early" if receiver not in self.seen:
                self.seen.add(receiver)
                return False
            case "drip":
                for char in "250 sloooooooooowly":
                    writer.write(char.encode())
                    await writer.drain()
                    await asyncio.sleep(0.3)
                await _say(writer, "")
            case _:
                await _say(writer, "250 fine")
        return True

    async def _mail(self, receiver: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await self._hold("data", receiver)
        await _say(writer, "354 go on")
        content = await reader.readuntil(b"\r\n.\r\n")
        word = receiver.split(".", maxsplit=1)[0]
        await self._hold("dot", receiver)
        if self.options.answer_ms:
            await asyncio.sleep(self.options.answer_ms / 1000)
        match word:
            case "body":
                await _say(writer, "554 5.6.0 no such content")
                return True
            case "busy" if receiver not in self.seen:
                self.seen.add(receiver)
                await _say(writer, "421 4.3.2 shutting down")
                return False
            case "full" if receiver not in self.seen:
                self.seen.add(receiver)
                await _say(writer, "452 4.2.2 mailbox full")
                return True
            case "lost":
                return False
        self._accept(receiver, content)
        if word == "cut":
            return False
        if word == "late":
            await asyncio.sleep(3600)
        await self._hold("answer", receiver)
        await _say(writer, f"250 2.0.0 Ok: queued as Q{self.accepted:06d}" if word != "odd" else "hello there")
        return True

    def _accept(self, receiver: str, content: bytes) -> None:
        self.accepted += 1
        read = BytesHeaderParser(policy=email.policy.default).parsebytes(content)
        row = {"receiver": receiver, "message_id": str(read["Message-ID"]), "subject": str(read["Subject"])}
        with self.options.file.open("a") as file:
            file.write(json.dumps(row) + "\n")
        if self.options.keep:
            (self.options.keep / f"{self.accepted:04d}.eml").write_bytes(content)

    async def _hold(self, step: str, receiver: str) -> None:
        if step == self.options.hold and (not receiver or receiver.startswith("held")):
            self.options.file.with_suffix(".held").touch()
            await asyncio.sleep(3600)


async def _say(writer: asyncio.StreamWriter, text: str) -> None:
    writer.write(f"{text}\r\n".encode())
    await writer.drain()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--pipelining", action="store_true")
    parser.add_argument("--certificate")
    parser.add_argument("--no-banner", action="store_true")
    parser.add_argument("--auth", choices=("ok", "wrong"))
    parser.add_argument("--hold", choices=HOLDS)
    parser.add_argument("--answer-ms", type=float, default=0.0)
    parser.add_argument("--keep", type=Path)
    asyncio.run(Server(parser.parse_args()).serve())


if __name__ == "__main__":
    main()
