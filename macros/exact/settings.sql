{# What the package `exact` asks of a project: it calls these macros by dispatch. #}
{% macro default__warehouse_base() %}{{- return(gold_base()) -}}{% endmacro %}

{# The layer of a table is the folder of its model. #}
{% macro default__table_location(node) %}
  {{- return(
    gold_base() ~ '/' ~ ('seed' if node.resource_type == 'seed' else node.fqn[1]) ~ '/' ~ node.alias
  ) -}}
{% endmacro %}

{% macro default__source_location(source) %}{{- return(silver_base() ~ '/' ~ source.name) -}}{% endmacro %}

{% macro default__moment(column) %}{{- return(any_timestamp(column)) -}}{% endmacro %}

{% macro default__valid_moment(column) %}{{- return(clean(column, 'timestamp')) -}}{% endmacro %}

{% macro default__latest_moment() %}{{- return(latest_timestamp()) -}}{% endmacro %}

{% macro default__session_settings() %}
  {{- return({
    'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS',
    'spark.sql.hive.metastorePartitionPruningInSetThreshold': '50',
  }) -}}
{% endmacro %}
