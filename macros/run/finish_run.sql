{# on-run-end: says what the run did, in the log and in run_metrics, and notes whether it ended well. All in one query. #}
{% macro finish_run(results) %}
  {%- if execute and flags.WHICH in ('run', 'build', 'seed') -%}
    {%- set rows = [] -%}
    {%- set written = [] -%}
    {%- set statements = [] -%}
    {%- for result in results if result.node.resource_type in ('model', 'seed') and result.status == 'success' -%}
      {%- set done = fromjson(result.adapter_response.code) -%}
      {%- set changed = [] -%}
      {%- for name, value in done.properties.items() -%}
        {%- do changed.append(sql_text(name) ~ '=' ~ sql_text(value)) -%}
      {%- endfor -%}
      {%- if changed -%}
        {%- do statements.append(
          'alter table ' ~ target.schema ~ '.' ~ result.node.alias ~ ' set tblproperties (' ~ changed | join(', ') ~ ')'
        ) -%}
      {%- endif -%}
      {%- do rows.append(
        "('" ~ invocation_id ~ "', timestamp '" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S') ~ "', '" ~ result.node.alias ~ "', "
        ~ done.checked ~ ', ' ~ done.rebuilt ~ ', ' ~ done.dropped ~ ', ' ~ done.rows_written ~ ', ' ~ (done.rows_rejected or 0) ~ ', '
        ~ done.files ~ ', ' ~ done.bytes ~ ', ' ~ done.seconds ~ ')'
      ) if result.node.resource_type == 'model' -%}
      {%- do written.append([graph.nodes[result.node.unique_id], done.written]) if done.written -%}
    {%- endfor -%}
    {%- do statements.extend(remember_files_sql(written)) if written -%}
    {%- do statements.extend(append_metrics_sql(rows)) if rows -%}
    {%- if not results | selectattr('status', 'equalto', 'error') | list -%}
      {%- do statements.append(mark_run_sql('')) -%}
    {%- endif -%}
    {%- do run_sql(statements) -%}
    {%- do log_metrics(results) if rows -%}
  {%- endif -%}
{% endmacro %}

{# One row a model and run, appended and never rewritten. Its columns are described in models/audit. #}
{% macro append_metrics_sql(rows) %}
  {%- set table = target.schema ~ '.run_metrics' -%}
  {{- return([
    'create table if not exists ' ~ table ~ ' (invocation_id string, run_started_at timestamp, model string,'
    ~ ' partitions_checked bigint, partitions_rebuilt bigint, partitions_dropped bigint, rows_written bigint, rows_rejected bigint,'
    ~ ' files bigint, bytes bigint, seconds double) using parquet location ' ~ sql_text(gold_base() ~ '/audit/run_metrics'),
    'insert into ' ~ table ~ ' select /*+ coalesce(1) */ * from values ' ~ rows | join(', '),
  ]) -}}
{% endmacro %}

{# The same as a table in the log. #}
{% macro log_metrics(results) %}
  {%- set line = '%-24s %10s %9s %8s %12s %10s %7s %10s %9s' -%}
  {%- do log(line | format('table', 'partitions', 'rebuilt', 'dropped', 'rows', 'rejected', 'files', 'MB', 'seconds'), info=true) -%}
  {%- for result in results if result.node.resource_type == 'model' and result.status == 'success' -%}
    {%- set done = fromjson(result.adapter_response.code) -%}
    {%- do log(line | format(
      result.node.alias, done.checked, done.rebuilt, done.dropped, done.rows_written, done.rows_rejected, done.files,
      '%.1f' | format(done.bytes / 1e6), '%.1f' | format(done.seconds)
    ), info=true) -%}
  {%- endfor -%}
{% endmacro %}
