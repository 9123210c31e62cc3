"""Write the performance site from the recorded results.

    python -m benchmarks.dashboard OUT [--peers FILE]

OUT/index.html is the page to open: how fast a training step is beside other libraries today, and whether a change cost
anything. OUT/asv is asv's own site with every plot. Neither loads anything from elsewhere. asv's plots are read with
requests, which browsers allow only from a server: `python -m http.server --bind 127.0.0.1 -d OUT`.
"""

import argparse
import json
import sys
from pathlib import Path

from . import asv_site, landing


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to write; an earlier site in it is replaced")
    recorded = asv_site.ROOT / "benchmarks" / "results" / "peers.json"
    parser.add_argument(
        "--peers", type=Path, default=recorded, help="what `benchmarks.peers --json` wrote; default: the recorded file"
    )
    parser.add_argument("--config", type=Path, default=asv_site.ROOT / "asv.conf.json", help="default: asv.conf.json")
    options = parser.parse_args(texts)
    for file in (options.peers, options.config):
        if not file.is_file():
            parser.error(f"no file {file}")
    if options.out.exists() and any(options.out.iterdir()) and not (options.out / "asv").is_dir():
        parser.error(f"{options.out} holds other files; name an empty folder")
    options.out.mkdir(parents=True, exist_ok=True)
    site = asv_site.publish(options.out / "asv", options.config.resolve())
    page = landing.page(json.loads(options.peers.read_text()), site)
    (options.out / "index.html").write_text(page, encoding="utf-8")
    print(f"wrote {options.out / 'index.html'}")


if __name__ == "__main__":
    sys.exit(main())
