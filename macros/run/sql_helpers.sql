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

{# Runs a statement that returns nothing, or a list of them, one after the other. dbt-glue's run_query fails on DDL
   (adapters.md 11), so it is dbt's `statement`. And dbt-glue makes three calls of a second each of every one
   (adapters.md 12), but runs what stands between `dbt_next_query` in one: a list goes as one on Glue, as
   long as it is within the 68,000 characters that a call takes. #}
{% macro run_sql(sql) %}
  {%- set statements = [sql] if sql is string else sql -%}
  {%- if target.type == 'glue' and statements | join | length < 50000 -%}
    {%- set statements = [statements | join(' dbt_next_query ')] if statements else [] -%}
  {%- endif -%}
  {%- for statement_sql in statements if execute -%}
    {%- call statement('run_sql') -%}{{ statement_sql }}{%- endcall -%}
  {%- endfor -%}
{% endmacro %}
