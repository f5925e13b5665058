{# Statements that append a row per table to run_metrics. #}
{% macro append_metrics_sql(done) %}
  {%- set table = target.schema ~ '.run_metrics' -%}
  {%- set rows = [] -%}
  {%- for node, outcome in done if node.resource_type == 'model' -%}
    {%- do rows.append(
      "('" ~ invocation_id ~ "', timestamp '" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S')
      ~ "', '" ~ node.alias ~ "', " ~ outcome.checked ~ ', ' ~ outcome.rebuilt ~ ', ' ~ outcome.dropped
      ~ ', ' ~ outcome.rows_written ~ ', ' ~ outcome.rows_left_out ~ ', ' ~ outcome.files
      ~ ', ' ~ outcome.bytes ~ ', ' ~ outcome.seconds
      ~ ", '" ~ exact.reasons_text(outcome.reasons) ~ "')"
    ) -%}
  {%- endfor -%}
  {#- A table of an earlier version is made anew over the same files: what they lack is NULL. -#}
  {%- set found = exact.run_memory().tables.get('run_metrics') -%}
  {%- set drop = ['drop table ' ~ table] if found and 'reasons' not in found.columns else [] -%}
  {{- return(drop + [
    'create table if not exists ' ~ table ~ ' (invocation_id string, run_started_at timestamp, model string,'
    ~ ' partitions_checked bigint, partitions_rebuilt bigint, partitions_dropped bigint,'
    ~ ' rows_written bigint, rows_left_out bigint, files bigint, bytes bigint, seconds double,'
    ~ ' reasons string) using parquet location '
    ~ exact.sql_text(exact.engine_location() ~ '/run_metrics'),
    'insert into ' ~ table ~ ' select /*+ coalesce(1) */ * from values ' ~ rows | join(', '),
  ] if rows else []) -}}
{% endmacro %}

{# The same as a table in the log. #}
{% macro log_metrics(done) %}
  {%- set line = '%-24s %10s %9s %8s %12s %9s %7s %10s %9s  %s' -%}
  {%- do log(line | format(
    'table', 'partitions', 'rebuilt', 'dropped', 'rows', 'left out', 'files', 'MB', 'seconds', 'why'
  ), info=true) -%}
  {%- for node, outcome in done if node.resource_type == 'model' -%}
    {%- do log(line | format(
      node.alias, outcome.checked, outcome.rebuilt, outcome.dropped, outcome.rows_written,
      outcome.rows_left_out, outcome.files, '%.1f' | format(outcome.bytes / 1e6),
      '%.1f' | format(outcome.seconds), exact.reasons_text(outcome.reasons)
    ), info=true) -%}
  {%- endfor -%}
{% endmacro %}
