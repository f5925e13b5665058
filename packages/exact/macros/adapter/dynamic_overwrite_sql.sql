{# Has an overwrite replace the partitions that it has rows for, and no others. Sent with every
   one of them: a session that was lost and started again knows nothing of what was set before.
   Cause: static is Spark's default, and dbt-glue 1.10.19 never sets another (its `set` went with
   aws-samples/dbt-glue #461), so that its insert_overwrite wipes the other partitions. #}
{% macro dynamic_overwrite_sql() %}
  {{- return('set spark.sql.sources.partitionOverwriteMode = dynamic') -}}
{% endmacro %}
