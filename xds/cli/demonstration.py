"""`demo`: writes the starting point, and runs it with sample backends."""

from __future__ import annotations

from pathlib import Path

from xds.cli.output import Exit, Output, dumped, say, table
from xds.demo.writing import GATEWAY_PORT, write


def demo(directory: Path, start: bool, port: int, admin: str, output: Output) -> None:
    try:
        written = write(directory)
    except OSError as error:
        raise Exit(2, f"{directory} cannot be written: {error.strerror or error}") from None
    urls = [
        {
            "try": f"http://127.0.0.1:{port}/shop",
            "answer": "shop 90 of 100 times, shop-next 10",
            "curl": f"curl http://127.0.0.1:{port}/shop",
        },
        {"try": f"http://127.0.0.1:{port}/", "answer": "shop", "curl": f"curl http://127.0.0.1:{port}/"},
        {
            "try": f"http://127.0.0.1:{port}/ as alice",
            "answer": "alice",
            "curl": f"curl -H 'X-Route-Key: alice' http://127.0.0.1:{port}/",
        },
        {
            "try": f"http://127.0.0.1:{port}/shop in Sandbox next",
            "answer": "shop-next",
            "curl": f"curl -H 'X-Route-Key: next' http://127.0.0.1:{port}/shop",
        },
    ]
    if output is Output.TABLE:
        say(f"wrote {', '.join(str(path) for path in written)}" if written else f"{directory} is there already, and stays as it is")
    welcome = "\n" + table(["TRY", "ANSWERED BY", "COMMAND"], [list(one.values()) for one in urls]) + "\n"
    if not start:
        body = {"written": [str(path) for path in written], "urls": urls}
        say(f"{welcome}\nNow: pointsman demo {directory} --run" if output is Output.TABLE else dumped(body, output))
        return
    from xds.cli.options import Options
    from xds.cli.running import Running, run

    options = Options(admin=admin, bind="127.0.0.1", port_offset=port - GATEWAY_PORT, samples=True, welcome=welcome, request_metrics=True)
    run(Running(directory, output, options))
