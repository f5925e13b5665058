{# The only place that executes anything: statements that return nothing, one after the other.
   Cause: dbt-glue 1.10.19 answers run_query(<DDL>) with "'NoneType' object is not iterable"
   (aws-samples/dbt-glue #486, and #532, which mends one macro), so this is dbt's `statement`. #}
{% macro run_statements(statements) %}
  {%- for batch in exact.batches(statements) if execute -%}
    {%- call statement('exact') -%}{{ batch }}{%- endcall -%}
  {%- endfor -%}
{% endmacro %}

{# The same, and the rows of the last, which is a query: dicts with lower-case keys. Nothing while
   parsing. #}
{% macro fetch(statements) %}
  {%- set rows = [] -%}
  {%- if execute -%}
    {%- set batches = exact.batches(statements) -%}
    {%- do exact.run_statements(batches[:-1]) -%}
    {%- set result = run_query(batches[-1]) -%}
    {%- for row in result.rows -%}
      {%- do rows.append(dict(zip(result.column_names | map('lower'), row.values()))) -%}
    {%- endfor -%}
  {%- endif -%}
  {{- return(rows) -}}
{% endmacro %}

{# Statements as they are sent. dbt-glue makes three calls of a second or more of each, but runs
   what stands between `dbt_next_query` in one: as many go together as RunStatement takes, 68,000
   characters with what dbt-glue adds. (adapter/README.md 12) #}
{% macro batches(statements) %}
  {%- if target.type != 'glue' -%}
    {{- return(statements) -}}
  {%- endif -%}
  {%- set batches = [] -%}
  {%- for statement_sql in statements -%}
    {%- if batches and batches[-1] | length + statement_sql | length < 60000 -%}
      {%- do batches.append(batches.pop() ~ ' dbt_next_query ' ~ statement_sql) -%}
    {%- else -%}
      {%- do batches.append(statement_sql) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(batches) -}}
{% endmacro %}
