"""``serve`` runs the web page and the HTTP service."""

from __future__ import annotations

import os
import sys

import click


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="HOST",
    help="Host name or address to listen on. 0.0.0.0 stands for all addresses of this machine.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    metavar="PORT",
    help="TCP port to listen on. With 0, the system chooses a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of processes. Each of them loads the model.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    metavar="N",
    help="Number of requests that a process scores at once (default: one per processor, up to "
    "4).",
)
@click.option(
    "--max-texts",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Largest number of texts in one request.",
)
@click.option(
    "--max-body",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    metavar="BYTES",
    help="Largest size of a request without a file.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Proxy whose headers X-Forwarded-For, -Proto, -Host and -Prefix are trusted: an "
    "address, or a network such as 10.0.0.0/8. Repeat the option for several.",
)
def serve(
    host: str,
    port: int,
    workers: int,
    threads: int | None,
    max_texts: int,
    max_body: int,
    trusted_proxies: tuple[str, ...],
) -> None:
    """Run the web page and the HTTP service.

    Standard error shows the address as soon as the service answers, and later any problem.
    Standard output gets a line of JSON for each request, without the texts in it. Ctrl-C,
    SIGINT and SIGTERM stop the service. It still answers the requests that have begun.

    \b
    Examples:
      disaster-tweets serve
      disaster-tweets serve --host 0.0.0.0 --port 8000 --workers 2
    """  # noqa: D301
    if workers > 1 and sys.platform == "win32":
        raise click.UsageError("Windows runs one worker; pass --threads instead of --workers")
    try:
        from disaster_tweets.web.server import Settings, run
    except ModuleNotFoundError as error:
        from disaster_tweets.plugins.column import missing

        raise click.ClickException(str(missing(str(error.name), "web"))) from error
    run(
        Settings(
            host,
            port,
            workers,
            threads or min(4, os.cpu_count() or 1),
            {
                "MAX_TEXTS": max_texts,
                "MAX_CONTENT_LENGTH": max_body,
                "TRUSTED_PROXIES": [_network(text) for text in trusted_proxies],
            },
        )
    )


def _network(text: str) -> str:
    from disaster_tweets.web.proxy import parse_network

    try:
        parse_network(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--trusted-proxy'") from None
    return text
