"""Shows README, CONTRIBUTING and CHANGELOG on the site; their links work there as on GitHub."""

import re
from pathlib import Path
from posixpath import normpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
NESTED = re.compile(r"^ {3}(?=\S)", re.MULTILINE)  # GitHub nests lists by 3 spaces, MkDocs by 4
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: Any) -> None:
    """Adds the pages, and the files outside docs/ that they link to."""
    for source, page in PAGES.items():
        text = NESTED.sub("    ", (ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=LINK.sub(_on_site, text)))
        for link in LINK.findall(text):
            is_new = files.get_file_from_path(_site_path(link)) is None
            if is_new and link not in PAGES and (ROOT / link).is_file():
                content = (ROOT / link).read_bytes()
                files.append(File.generated(config, _site_path(link), content=content))


def _on_site(link: re.Match) -> str:
    return _site_path(link[1])


def _site_path(link: str) -> str:
    return PAGES.get(link) or normpath(link).removeprefix("docs/")
