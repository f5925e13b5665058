"""What `deploy/` grants: linted, explained line by line, the same in json and template, enough for dbt-glue."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from cfnlint.decode import cfn_yaml
from dbt.adapters import glue

from goldkit import cli
from goldkit.environment import PROJECT

DEPLOY = PROJECT / "deploy"
POLICIES = ("role-trust-policy", "role-policy", "caller-policy")
# The names that the json files use, as the template's parameters.
NAMES = {
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "SilverBucket": "my-silver-bucket",
    "GoldBucket": "my-gold-bucket",
    "SessionRole.Arn": "arn:aws:iam::111122223333:role/silver-to-gold-session",
}


def policy(name: str) -> Any:
    return json.loads((DEPLOY / f"{name}.json").read_text())


def template() -> Any:
    return cfn_yaml.load(str(DEPLOY / "template.yml"))


def resolved(node: Any, names: dict[str, str]) -> Any:
    """A part of the template with names instead of !Sub, !Ref and !GetAtt."""
    match node:
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: names[found[1]], text)
        case {"Ref": str(name)}:
            return names[name]
        case {"Fn::GetAtt": [resource, attribute]}:
            return names[f"{resource}.{attribute}"]
        case dict():
            return {str(key): resolved(value, names) for key, value in node.items()}
        case list():
            return [resolved(item, names) for item in node]
    return node


@pytest.mark.parametrize("name", ["cfn-lint", "parliament"])
def test_linters_find_nothing(name: str) -> None:
    assert cli.run(*cli.LINTERS[name]) == 0


def test_each_statement_has_one_line_that_says_why() -> None:
    statements = Counter(statement["Sid"] for name in POLICIES for statement in policy(name)["Statement"])
    permissions = (DEPLOY / "README.md").read_text().split("## ")[1]
    assert Counter(re.findall(r"^\| `(\w+)` \| .+ \|$", permissions, re.MULTILINE)) == statements


def test_the_template_grants_what_the_json_files_grant() -> None:
    parsed = template()
    defaults = {name: str(given["Default"]) for name, given in parsed["Parameters"].items() if "Default" in given}
    resources = resolved(
        {name: parsed["Resources"][name]["Properties"] for name in ("SessionRole", "CallerPolicy")}, defaults | NAMES
    )
    role = resources["SessionRole"]
    assert role["AssumeRolePolicyDocument"] == policy("role-trust-policy")
    assert [inline["PolicyDocument"] for inline in role["Policies"]] == [policy("role-policy")]
    assert resources["CallerPolicy"]["PolicyDocument"] == policy("caller-policy")
    assert NAMES["SessionRole.Arn"].endswith(f"/{role['RoleName']}")


def test_nothing_expires_gold() -> None:
    rules = template()["Resources"]["Gold"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = [rule for rule in rules if {"ExpirationInDays", "ExpirationDate", "Transitions"} & {*rule}]
    assert [rule["Prefix"] for rule in expiring] == [{"Fn::Sub": "${GoldPrefix}/audit/.preflight/"}]


def test_what_holds_data_outlives_the_stack() -> None:
    kept = {"AWS::S3::Bucket", "AWS::Glue::Database"}
    resources = [resource for resource in template()["Resources"].values() if resource["Type"] in kept]
    assert len(resources) == 3
    assert all(resource["DeletionPolicy"] == "Retain" for resource in resources)


def test_the_caller_may_make_every_call_of_dbt_glue() -> None:
    """Read from the adapter's source, so that a new version with a new call is noticed."""
    not_granted = {
        "create_database": "the template does, or the role",
        "delete_database": "dbt's drop_schema, which nothing here calls",
        "update_table": "delta tables for Athena",
        "get_security_configuration": "runs in the session, with use_arrow",
    }
    files = [*Path(str(glue.__file__)).parent.rglob("*.py")]
    source = "\n".join(file.read_text() for file in files)
    calls = {*re.findall(r"\b(?:glue_)?client\.(?:get_paginator\('|(?=[a-z_]+\())([a-z_]+)", source)}
    granted = {xform_name(action) for action in re.findall(r'"glue:(\w+)"', json.dumps(policy("caller-policy")))}
    assert {"create_session", "run_statement", "stop_session", "get_table", "get_tables"} <= calls
    assert calls - granted == not_granted.keys()
