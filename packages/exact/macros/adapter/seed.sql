{# A seed is a table of a few rows whose SQL is its file, with the types and the order of its
   columns in the yml. Cause: dbt-spark 1.9.3 loads an empty cell as the text None
   (dbt-labs/dbt-adapters #487); dbt-glue 1.10.19 sorts columns and loses types
   (aws-samples/dbt-glue #458); both drop the table first, and leave readers without it, for good
   after a kill. #}
{% macro seed() %}
  {%- set table = load_agate_table() -%}
  {%- do store_result('agate_table', response='OK', agate_table=table) -%}
  {%- set casts = [] -%}
  {%- for name, column in model.columns.items() -%}
    {%- do casts.append('cast(' ~ name ~ ' as ' ~ column.data_type ~ ') as ' ~ name) -%}
  {%- endfor -%}
  {%- set rows = [] -%}
  {%- for row in table.rows -%}
    {%- set cells = [] -%}
    {%- for cell in row -%}
      {%- do cells.append('null' if cell is none else exact.sql_text(cell | string)) -%}
    {%- endfor -%}
    {%- do rows.append('(' ~ cells | join(', ') ~ ')') -%}
  {%- endfor -%}
  {{- return(exact.build(
    'select ' ~ casts | join(', ') ~ ' from values ' ~ rows | join(', ')
    ~ ' as t (' ~ table.column_names | join(', ') ~ ')'
  )) -}}
{% endmacro %}
