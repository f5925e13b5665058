{# Runs a statement that returns nothing, or a list of them, one after the other.
   Cause: dbt-glue 1.10.19 answers run_query(<DDL>) with "'NoneType' object is not iterable" (aws-samples/dbt-glue #486,
   and #532, which mends one macro), so this is dbt's `statement`. And it makes three calls of a second or more of each
   statement, but runs what stands between `dbt_next_query` in one: a list goes as one, as long as it is within the
   68,000 characters that RunStatement takes. #}
{% macro run_sql(sql) %}
  {%- set statements = [sql] if sql is string else sql -%}
  {%- if statements and fit_together(statements) -%}
    {%- set statements = [statements | join(' dbt_next_query ')] -%}
  {%- endif -%}
  {%- for statement_sql in statements if execute -%}
    {%- call statement('run_sql') -%}{{ statement_sql }}{%- endcall -%}
  {%- endfor -%}
{% endmacro %}

{# Whether these go in one: alone, any statement does. #}
{% macro fit_together(statements) %}
  {{- return(statements | length <= 1 or (target.type == 'glue' and statements | join | length < 50000)) -}}
{% endmacro %}
