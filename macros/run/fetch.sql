{# Rows of a query as dicts with lower-case keys; an empty list while parsing.
   Statements that return nothing may wait in a list, `pending`, for the next query: on Glue they go in one with it, which
   saves three calls of a second or more (run_sql). The list is empty afterwards. #}
{% macro fetch(sql, pending=[]) %}
  {%- set rows = [] -%}
  {%- if execute -%}
    {%- if not fit_together(pending + [sql]) -%}
      {%- do run_pending(pending) -%}
    {%- endif -%}
    {%- set result = run_query((pending + [sql]) | join(' dbt_next_query ')) -%}
    {%- do pending.clear() -%}
    {%- for row in result.rows -%}
      {%- do rows.append(dict(zip(result.column_names | map('lower'), row.values()))) -%}
    {%- endfor -%}
  {%- endif -%}
  {{- return(rows) -}}
{% endmacro %}

{# Runs what waits, and empties the list. #}
{% macro run_pending(pending) %}
  {%- do run_sql(pending) -%}
  {%- do pending.clear() -%}
{% endmacro %}
