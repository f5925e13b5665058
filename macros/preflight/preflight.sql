{# `dbt run-operation preflight --target glue`: whether a run would find what it needs, before
   anything is touched. What is wrong in the environment is said without a session; the rest is
   looked at from within one, as the role that will read and write. Each failure is a line that
   says what to do. #}
{% macro preflight() %}
  {%- if execute and target.type != 'glue' -%}
    {%- do log(
      'The preflight looks at AWS; the target is ' ~ target.name ~ '. Nothing to check.', info=true
    ) -%}
  {%- elif execute -%}
    {%- do refuse(environment_problems()) -%}
    {%- do log(
      'Starting the session ' ~ target.glue_session_id ~ ' as ' ~ target.role_arn ~ ' in ' ~ target.region
      ~ '. If that fails: credentials (aws sts get-caller-identity), the role, or what the caller may do'
      ~ ' (deploy/caller-policy.json).', info=true
    ) -%}
    {%- do adapter.execute_pyspark(preflight_code()) -%}
    {%- set problems = [] -%}
    {%- for row in exact.fetch(['select line, failed from preflight']) -%}
      {%- if row.failed -%}
        {%- do problems.append(row.line) -%}
      {%- else -%}
        {%- do log('ok: ' ~ row.line, info=true) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- do refuse(problems) -%}
  {%- endif -%}
{% endmacro %}

{% macro refuse(problems) %}
  {%- if problems -%}
    {{- exceptions.raise_compiler_error(
      'Preflight failed, nothing was touched.' ~ '\n' ~ problems | join('\n')
    ) -}}
  {%- endif -%}
{% endmacro %}

{# What can be seen without AWS. #}
{% macro environment_problems() %}
  {%- set problems = [] -%}
  {%- if not modules.re.match('arn:aws[a-z-]*:iam::[0-9]{12}:role/.+', target.role_arn or '') -%}
    {%- do problems.append(
      "GLUE_ROLE_ARN is '" ~ (target.role_arn or '') ~ "': set it to the role that sessions run as,"
      ~ ' arn:aws:iam::111122223333:role/… (deploy/README.md).'
    ) -%}
  {%- endif -%}
  {%- for name, value in [
    ('SILVER_BASE', silver_base()), ('GOLD_BASE', gold_base())
  ] if not value.startswith('s3') -%}
    {%- do problems.append(
      name ~ ' is ' ~ value ~ ": a session sees no folder of this machine; set it to s3://bucket/prefix."
    ) -%}
  {%- endfor -%}
  {%- if target.glue_version not in ('5.1', '6.0') -%}
    {%- do problems.append(
      'GLUE_VERSION is ' ~ target.glue_version
      ~ ': the project is tested with 5.1 (Spark 3.5) and 6.0 (Spark 4.1).'
    ) -%}
  {%- endif -%}
  {{- return(problems) -}}
{% endmacro %}

{# Python that runs in the session and leaves what it found in the view `preflight`: SQL alone
   could not look behind the first failure. #}
{% macro preflight_code() %}
found = []

def look(what, advice, check):
    try:
        found.append((what + ": " + str(check()), False))
    except Exception as error:
        # Of what Java raised, the first line of Python's text says nothing.
        found.append((
            what + ": " + str(getattr(error, "java_exception", error)).strip().split(chr(10))[0][:300]
            + ". " + advice, True
        ))

def files(folder):
    path = spark._jvm.org.apache.hadoop.fs.Path(folder)
    return path.getFileSystem(spark._jsc.hadoopConfiguration()), path

def silver(dataset):
    system, path = files("{{ silver_base() }}/" + dataset)
    listing = system.listFiles(path, True)
    while listing.hasNext():
        file = listing.next().getPath()
        if file.getName().endswith(".parquet"):
            system.open(file).close()
            return "there"
    raise ValueError("no parquet file")

def gold():
    system, path = files("{{ gold_base() }}/audit/.preflight/probe")
    system.create(path, True).close()
    system.listStatus(path.getParent())
    system.delete(path.getParent(), True)
    return "written, listed and deleted a file"

def database(name):
    return "there" if spark.catalog.databaseExists(name) else "not there yet, the run makes it"

def no_table_of_others(dataset):
    if not spark.catalog.databaseExists("{{ silver_schema() }}"):
        return "free"
    for row in spark.sql("show tables in {{ silver_schema() }} like '" + dataset + "'").collect():
        kind = {
            r.col_name: r.data_type
            for r in spark.sql("describe table extended {{ silver_schema() }}." + dataset).collect()
        }
        if kind.get("Type") != "VIEW":
            raise ValueError("a table of format " + str(kind.get("Provider", "hive")))
    return "free"

look("Spark", "Start the session again.", lambda: spark.version)
for dataset in {{ exact.engine_sources() | map(attribute='table') | list | tojson }}:
    look(
        "Silver {{ silver_base() }}/" + dataset,
        "Set SILVER_BASE to the folder above it, and let the role list and read it"
        " (deploy/role-policy.json).",
        lambda: silver(dataset),
    )
look(
    "Gold {{ gold_base() }}",
    "Let the role write and delete there, or set GOLD_BASE to where it may (deploy/role-policy.json).",
    gold,
)
for name in ("{{ target.schema }}", "{{ silver_schema() }}"):
    look("Database " + name, "Let the role see it (deploy/role-policy.json).", lambda: database(name))
for dataset in {{ exact.engine_sources() | map(attribute='table') | list | tojson }}:
    look(
        "Name {{ silver_schema() }}." + dataset,
        "The project registers the files of SILVER_BASE itself, whatever a crawler made of them:"
        " set SILVER_SCHEMA to a database of its own, as silver_to_gold.",
        lambda: no_table_of_others(dataset),
    )
spark.createDataFrame(found, "line string, failed boolean").createOrReplaceTempView("preflight")
{% endmacro %}
