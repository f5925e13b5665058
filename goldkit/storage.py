"""Folders of this machine and of S3, as Python reads them. Spark reads S3 by hadoop-aws: docs/storage.md."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from pyarrow import fs


def on_s3(base: str) -> bool:
    """Whether a folder lies in S3."""
    return re.match("s3a?://", base) is not None


def locate(location: str) -> tuple[fs.FileSystem, str]:
    """The file system of a folder or URI, and its path there.

    In S3 by AWS's standard chain of credentials, and at AWS_ENDPOINT_URL if that is set. Raises OSError or
    ValueError where there is no such file system or bucket.
    """
    if on_s3(location):
        location = "s3:" + quote(location.split(":", 1)[1])
    elif "://" not in location:
        location = str(Path(location).resolve())
    found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(location)
    return found


def empty_files(base: str) -> list[str]:
    """The parquet files of no bytes in the datasets of a Silver. Raises what `locate` does."""
    filesystem, path = locate(base)
    files = filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True))
    return [
        base.rstrip("/") + file.path[len(path) :]
        for file in files
        if file.is_file and not file.size and re.search("/.*[.]parquet$", file.path[len(path) + 1 :])
    ]
