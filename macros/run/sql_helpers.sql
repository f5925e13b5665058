{# A text as a SQL literal on Spark 3.5 and 4.1 alike. Neither escape can be used: '' is no escape
   before Spark 4, and a backslash does not survive dbt-glue (adapters.md 10). #}
{% macro sql_text(value) %}
  {%- if "'" not in value -%}
    {{- return("'" ~ value ~ "'") -}}
  {%- elif '"' not in value -%}
    {{- return('"' ~ value ~ '"') -}}
  {%- endif -%}
  {{- exceptions.raise_compiler_error("Cannot be quoted in SQL, rename it: " ~ value) -}}
{% endmacro %}

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

{# Runs one statement that returns nothing. dbt-glue's run_query fails on DDL (adapters.md 11). #}
{% macro run_sql(sql) %}
  {%- if execute -%}
    {%- call statement('run_sql') -%}{{ sql }}{%- endcall -%}
  {%- endif -%}
{% endmacro %}
