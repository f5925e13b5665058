"""One message after a build that failed or warned, to a webhook or an SNS topic.

Off unless the environment says where. GOLD_WEBHOOK is a secret: it is printed nowhere, and of an error that
may quote it only the kind is.
"""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from goldkit.results import Problem, problems

INTERRUPTED = 128 + signal.SIGINT  # somebody knows already
SECONDS = 10  # that a webhook may take
MOST = 20  # problems that a message lists; its text says how many there are


def notify(results: dict[str, Any], code: int, target: str, gold: str) -> list[str]:
    """Send what failed or warned, if anything did; returns a line for each place that was not reached.

    `code` is dbt's exit code: not 0 without a failed step is a run that came to none. Never raises.
    """
    webhook, topic = os.environ.get("GOLD_WEBHOOK"), os.environ.get("GOLD_SNS_TOPIC")
    found = problems(results)
    if not (webhook or topic) or not (found or code) or code == INTERRUPTED:
        return []
    told = message(found, results, code, target, gold)
    body = json.dumps(told)
    missed = []
    if webhook:
        try:
            request = urllib.request.Request(webhook, body.encode(), {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=SECONDS).close()
        except urllib.error.HTTPError as error:
            missed.append(f"GOLD_WEBHOOK answered {error.code}: nobody was told.")
        except Exception as error:
            missed.append(f"GOLD_WEBHOOK could not be reached ({type(error).__name__}): nobody was told.")
    if topic:
        try:
            sns = boto3.client("sns", region_name=topic.split(":")[3])
            sns.publish(TopicArn=topic, Subject=told["text"][:100], Message=body)
        except (ClientError, BotoCoreError, IndexError) as error:
            missed.append(f"GOLD_SNS_TOPIC could not be reached: {error}")
    return missed


def message(found: list[Problem], results: dict[str, Any], code: int, target: str, gold: str) -> dict[str, Any]:
    """The message: `text` is one line for people (chats show it), the rest is for programs."""
    failed = [problem for problem in found if problem.failed]
    status = "failed" if failed or code else "warned"
    counts = [f"{len(failed)} failed"] * bool(failed) + [f"{len(found) - len(failed)} warned"] * (failed != found)
    names = ", ".join(problem.name for problem in found[:MOST])
    why = f"{', '.join(counts)} ({names})" if found else f"dbt ended with {code}; its log says why"
    return {
        "text": f"Gold build {status}: {why}",
        "status": status,
        "target": target,
        "gold": gold,
        "invocation_id": results.get("metadata", {}).get("invocation_id"),
        "problems": [
            {"name": problem.name, "kind": problem.kind, "status": problem.status, "message": problem.message}
            for problem in found[:MOST]
        ],
    }
