{# Statements that add a row per table to run_metrics. #}
{% macro append_metrics_sql(done) %}
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
  {{- return([
    exact.append_sql('run_metrics', 'run', 'values ' ~ rows | join(', ')),
    'refresh table ' ~ exact.log_table('run_metrics'),
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
