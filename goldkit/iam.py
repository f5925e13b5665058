"""AWS's permissions for the local Glue: what a call asks for, and whether deploy/'s policies allow it.

Three kinds of calls are looked at: those that a client makes of Glue's API (the caller's), and those that
a session's Spark makes of the catalog and of S3 (the role's), of which goldkit/Guard.java tells. Which
permission each needs is written down here, from
- AWS's service authorization reference: actions of Glue, IAM and CloudWatch Logs, and their resources.
  Glue looks at the catalog, the database and the table that a call is about, one after the other;
- the source of AWS's client for Hive, which Spark uses on Glue (awslabs/aws-glue-data-catalog-client-for-
  apache-hive-metastore, GlueMetastoreClientDelegate): HIVE says which calls it makes;
- Hadoop's S3A, for which a folder is an object too: Guard.java says which requests it sends.

moto decides, as for its own services (moto.iam.access_control). It knows Allow, Deny, wildcards and the
condition StringEquals; a policy that has more is refused, since moto would pass over it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.access_control import IAMPolicy, PermissionResult

Json = dict[str, Any]

# Who may do everything: who signs with this key, the sessions that he starts, and the endpoint itself.
ADMIN = "admin"
PRINCIPALS = ("caller", "role")

# What AWS's client for Hive asks of Glue for each call of Hive's; nothing, where it answers by itself.
HIVE = {
    "createDatabase": "CreateDatabase",
    "getDatabase": "GetDatabase",
    "getDatabases": "GetDatabases",
    "getAllDatabases": "GetDatabases",
    "alterDatabase": "UpdateDatabase",
    "dropDatabase": "GetTables GetDatabase DeleteDatabase",
    "createTable": "GetDatabase GetTable CreateTable",
    "tableExists": "GetDatabase GetTable",
    "getTable": "GetTable",
    "getTableObjectsByName": "GetTable",
    "getTables": "GetTables",
    "getAllTables": "GetTables",
    "alter_table": "GetDatabase GetTable UpdateTable",
    "alter_table_with_environmentContext": "GetDatabase GetTable UpdateTable",
    "dropTable": "GetDatabase GetTable GetPartitions DeletePartition DeleteTable",
    "add_partition": "GetTable BatchCreatePartition",
    "add_partitions": "GetTable BatchCreatePartition",
    "alter_partition": "UpdatePartition",
    "alter_partitions": "UpdatePartition",
    "dropPartition": "GetPartition DeletePartition GetTable",
    "dropPartitions": "GetPartitions BatchDeletePartition",
    "getPartition": "GetPartition",
    "getPartitionWithAuthInfo": "GetPartition GetTable",
    "getPartitionsByNames": "BatchGetPartition",
    "listPartitions": "GetPartitions",
    "listPartitionsByExpr": "GetPartitions",
    "listPartitionsByFilter": "GetPartitions",
    "listPartitionsWithAuthInfo": "GetPartitions",
    "listPartitionNames": "GetTable GetPartitions",
    "getFunction": "GetUserDefinedFunction",
    "getFunctions": "GetUserDefinedFunctions",
    **dict.fromkeys(("close", "getConfigValue", "isLocalMetaStore", "setHiveAddedJars"), ""),
}
S3 = {"HEAD": "GetObject", "GET": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject", "LIST": "ListBucket"}


@dataclass(frozen=True, order=True)
class Request:
    """One permission asked for: by the caller or the role, with the condition keys that come with it."""

    principal: str
    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


class Denied(Exception):  # noqa: N818 - what AWS calls it
    """A request that no policy allows, in AWS's words."""


def read(folder: Path, names: Mapping[str, str] | None = None) -> dict[str, Json]:
    """The policies of a folder such as deploy/, by principal; `names` replaces names in them.

    The account of the files is the one that moto answers for.
    """
    policies = {}
    for principal in PRINCIPALS:
        text = (folder / f"{principal}-policy.json").read_text()
        for name, other in {"111122223333": DEFAULT_ACCOUNT_ID, **(names or {})}.items():
            text = text.replace(name, other)
        policies[principal] = json.loads(text)
    return policies


def allowed(policy: Json, request: Request) -> bool:
    """Whether a policy allows this request."""
    decided = IAMPolicy(json.dumps(policy)).is_action_permitted(
        request.action, request.resource, incoming_condition_values=dict(request.context)
    )
    return bool(decided == PermissionResult.PERMITTED)


def check(policy: Json) -> None:
    """ValueError where a policy holds what moto does not evaluate."""
    for statement in policy["Statement"]:
        unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
        unknown |= statement.get("Condition", {}).keys() - {"StringEquals"}
        given = [statement["Action"], statement["Resource"]]
        patterns = [text for item in given for text in (item if isinstance(item, list) else [item])]
        unknown |= {text for text in patterns if not re.fullmatch(r"[\w:/.*-]+", text)}
        if unknown:
            raise ValueError(f"moto does not evaluate {', '.join(sorted(unknown))}")


class Iam:
    """Decides what is asked for by two policies, and keeps a record of it: each request once, and whether
    it was allowed."""

    def __init__(self, policies: Mapping[str, Json]) -> None:
        self.record: dict[Request, bool] = {}
        self._policies: dict[str, Json] = {}
        self.use(policies)

    def use(self, policies: Mapping[str, Json]) -> None:
        """Decide by these policies from now on; those that are left out stay."""
        if unknown := policies.keys() - set(PRINCIPALS):
            raise ValueError(f"no such principal: {', '.join(unknown)}")
        for policy in policies.values():
            check(policy)
        self._policies |= policies

    def ask(self, request: Request, who: str) -> None:
        """Denied, unless the policy of the principal allows the request; `who` is its ARN."""
        decided = self.record[request] = allowed(self._policies[request.principal], request)
        if not decided:
            action = request.action
            # S3 writes the resource in quotes, the others do not.
            resource = f'"{request.resource}"' if action.startswith("s3:") else request.resource
            raise Denied(
                f"User: {who} is not authorized to perform: {action} on resource: {resource}"
                f" because no identity-based policy allows the {action} action"
            )

    def ask_for_call(self, region: str, service: str, operation: str, parameters: Json) -> None:
        """Denied, unless the caller may make this call of AWS's API."""
        for action, resource, context in requests_of_call(region, service, operation, parameters):
            request = Request("caller", action, resource, context)
            self.ask(request, f"arn:aws:sts::{DEFAULT_ACCOUNT_ID}:user/moto")


class Role:
    """What sessions ask for as a role, in a region.

    Each session of AWS is a Spark of its own; those of the endpoint share one. So what a Spark asks for
    when it first looks into the catalog is asked for here, the `opening`: AWS's client for Hive looks for
    `default` and makes it where it is missing, and Spark 3 looks whether a database has the name of its
    global views.
    """

    def __init__(self, iam: Iam, opening: Sequence[tuple[str, str]], arn: str, region: str) -> None:
        self._iam, self._region, self._opening = iam, region, opening
        account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
        self._who = f"arn:aws:sts::{account}:assumed-role/{name}/GlueJobRunnerSession"
        self.opened, self._lock = False, threading.Lock()
        self._write_logs()

    def denied(self, kind: str, *names: str) -> str:
        """Why the role may not do this, as the client of catalog or S3 says it; empty if it may."""
        try:
            if kind == "s3":
                self._s3(*names)
            else:
                with self._lock:
                    if not self.opened:
                        for call in self._opening:
                            self._catalog(*call)
                        self.opened = True
                self._catalog(*names)
        except Denied as denied:
            glue = "AWSGlue; Status Code: 400; Error Code: AccessDeniedException"
            return f"{denied} (Service: {glue if kind == 'catalog' else 'S3, Status Code: 403'})"
        return ""

    def ask_for_call(self, operation: str, parameters: Json) -> None:
        """Denied, unless the role may make this call of Glue's API, as Iceberg does."""
        for action, resource, _ in requests_of_call(self._region, "glue", operation, parameters):
            self._ask(action, resource)

    def _ask(self, action: str, resource: str) -> None:
        self._iam.ask(Request("role", action, resource), self._who)

    def _catalog(self, call: str, *names: str) -> None:
        if call not in HIVE:
            raise Denied(f"goldkit/iam.py does not know which permission Hive's {call} needs")
        tables = names[1:] if call == "getTableObjectsByName" else names[1:2]
        for action in HIVE[call].split():
            for table in tables or ("",):
                for resource in catalog_resources(self._region, action, names[0] if names else "", table):
                    self._ask(f"glue:{action}", resource)

    def _s3(self, request: str, bucket: str, key: str) -> None:
        of_object = f"/{key}" if request != "LIST" else ""
        self._ask(f"s3:{S3[request]}", f"arn:aws:s3:::{bucket}{of_object}")

    def _write_logs(self) -> None:
        """The worker's log agent: a session that may not write its log runs all the same, unseen."""
        for stream in ("output", "error"):
            group = f"arn:aws:logs:{self._region}:{DEFAULT_ACCOUNT_ID}:log-group:/aws-glue/sessions/{stream}"
            requests = {"CreateLogGroup": group, "CreateLogStream": group, "PutLogEvents": f"{group}:log-stream:x"}
            for action, resource in requests.items():
                try:
                    self._ask(f"logs:{action}", resource)
                except Denied:
                    return


def requests_of_call(
    region: str, service: str, operation: str, p: Json
) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Action, resource and condition keys of what a call of AWS's API needs."""
    action = f"{service}:{operation}"
    if action == "sts:GetCallerIdentity":
        return  # which nobody can be denied
    if service != "glue" or operation == "ListSessions":
        yield action, "*", ()
    elif "Session" in operation or "Statement" in operation:
        session = p["SessionId"] if "Statement" in operation else p["Id"]
        arn = f"arn:aws:glue:{region}:{DEFAULT_ACCOUNT_ID}:session/{session}"
        yield action, arn, ()
        if operation == "CreateSession":
            if p.get("Tags"):
                yield "glue:TagResource", arn, ()
            yield "iam:PassRole", p["Role"], (("iam:PassedToService", "glue.amazonaws.com"),)
    else:
        given = p.get("DatabaseInput", p)
        database = given.get("DatabaseName") or (given.get("Name", "") if "Database" in operation else "")
        table = p.get("TableName") or p.get("TableInput", p).get("Name", "")
        for resource in catalog_resources(region, operation, database, table):
            yield action, resource, ()


def catalog_resources(region: str, action: str, database: str = "", table: str = "") -> Iterator[str]:
    """What a call of the Data Catalog is about, in the order in which AWS looks at it."""
    arn, database = f"arn:aws:glue:{region}:{DEFAULT_ACCOUNT_ID}", database.lower()
    yield f"{arn}:catalog"
    if action == "GetDatabases":
        return  # all there are, and no one of them
    yield f"{arn}:database/{database}"
    if "Function" in action:
        yield f"{arn}:userDefinedFunction/{database}/{table.lower() or '*'}"
    elif "Database" not in action:
        yield f"{arn}:table/{database}/{'*' if action == 'GetTables' else table.lower()}"
