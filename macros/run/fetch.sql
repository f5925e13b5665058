{# Rows of a query as dicts with lower-case keys; an empty list while parsing. #}
{% macro fetch(sql) %}
  {%- set rows = [] -%}
  {%- if execute -%}
    {%- set result = run_query(sql) -%}
    {%- for row in result.rows -%}
      {%- do rows.append(dict(zip(result.column_names | map('lower'), row.values()))) -%}
    {%- endfor -%}
  {%- endif -%}
  {{- return(rows) -}}
{% endmacro %}
