{# Spark settings that every run sends, since a session may come with others. Those that change
   what a row is are part of a table's version. A project adds its own in
   default__session_settings.
   - metadataOnly: which partitions a table has, the catalog tells; no file is opened.
     (SPARK-26709: one without rows counts.)
   - nanosAsLong: nanoseconds, pandas' default, are read as numbers (sources/nanoseconds.sql) and
     not refused.
   - datetimeRebaseModeInWrite: days before 1900 are written as they are; unless told, Spark fails
     at them.
   - FallbackOnException: Derby, asked for the partitions of some dates, now and then casts the
     values of other tables' partitions to dates, and fails (Hive 2.3's MetaStoreDirectSql); and
     it knows no partition of 1582-10-05 to 1582-10-14. Spark then asks for all.
   - ignoreCorruptFiles, ignoreMissingFiles: a file that cannot be read is an error. In a session that
     skips it rows would be missing, and the manifest would say that they are all.
   - int96TimestampConversion: what a moment is does not depend on the zone of a server. #}
{% macro session_settings() %}
  {%- set settings = {
    'spark.sql.sources.partitionOverwriteMode': 'dynamic',
    'spark.sql.optimizer.metadataOnly': 'true',
    'spark.sql.variable.substitute': 'false',
    'spark.sql.caseSensitive': 'false',
    'spark.sql.legacy.parquet.nanosAsLong': 'true',
    'spark.sql.parquet.datetimeRebaseModeInWrite': 'CORRECTED',
    'spark.sql.hive.metastorePartitionPruningFallbackOnException': 'true',
    'spark.sql.files.ignoreCorruptFiles': 'false',
    'spark.sql.files.ignoreMissingFiles': 'false',
    'spark.sql.parquet.int96TimestampConversion': 'false',
  } -%}
  {%- do settings.update(adapter.dispatch('session_settings', 'exact')()) -%}
  {{- return(settings) -}}
{% endmacro %}

{% macro default__session_settings() %}
  {{- return({}) -}}
{% endmacro %}

{# Statements that apply them. #}
{% macro set_session_sql() %}
  {%- set statements = [] -%}
  {%- for name, value in exact.session_settings().items() -%}
    {%- do statements.append('set ' ~ name ~ ' = ' ~ value) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{# The same for a model, a seed, a test, a snapshot: only where each has a session of its own, which
   knows nothing of what the run has set before. Cause: dbt closes its connection after each node, and
   a server gives each connection a session (adapter/README.md 24). #}
{% macro set_own_session() %}
  {%- if target.type == 'spark' and adapter.config.credentials.method != 'session' -%}
    {%- do exact.run_statements(exact.set_session_sql()) -%}
  {%- endif -%}
{% endmacro %}
