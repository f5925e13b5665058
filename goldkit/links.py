"""Whether each link of the pages leads somewhere: a file of the project, and a heading in it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from goldkit.environment import PROJECT

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]*`")


def pages() -> list[Path]:
    """Every page of the project in Markdown, as git knows them; new ones too. Not those of dbt's site, whose
    links tests/e2e/test_docs.py follows."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md", ":!models"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [PROJECT / name for name in sorted(set(listed.stdout.split("\n"))) if (PROJECT / name).is_file()]


def anchors(page: Path) -> set[str]:
    """What can stand after `#` in a link to a page, made of its headings as GitHub does."""
    found: dict[str, int] = {}
    names = set()
    for heading in re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        seen = found.get(name, 0)
        found[name] = seen + 1
        names.add(f"{name}-{seen}" if seen else name)
    return names


def broken() -> list[str]:
    """Links that lead nowhere, as messages. Those that leave the project are not followed."""
    messages = []
    for page in pages():
        text = _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
        for link in _LINK.findall(text):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.is_relative_to(PROJECT) or not target.exists():
                wrong = "no such file"
            elif anchor and (target.suffix != ".md" or anchor not in anchors(target)):
                wrong = "no such heading"
            else:
                continue
            messages.append(f"{page.relative_to(PROJECT)}: {link}: {wrong}")
    return messages
