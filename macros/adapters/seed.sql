{# Seeds become tables as models do, with the types and the order of their columns in the yml.
   Cause: dbt-spark 1.9.3 loads an empty cell as the text None (dbt-labs/dbt-adapters #487); dbt-glue 1.10.19 sorts columns and loses
   types (aws-samples/dbt-glue #458); both drop the table first, and leave readers without it, for good after a kill. #}
{% materialization seed, adapter='spark' %}
  {{- return(seed_table()) -}}
{% endmaterialization %}

{% materialization seed, adapter='glue' %}
  {{- return(seed_table()) -}}
{% endmaterialization %}

{# A seed is a table of a few rows whose SQL is its file. Its types are those of its columns in the yml. #}
{% macro seed_table() %}
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
      {%- do cells.append('null' if cell is none else sql_text(cell | string)) -%}
    {%- endfor -%}
    {%- do rows.append('(' ~ cells | join(', ') ~ ')') -%}
  {%- endfor -%}
  {%- set sql = 'select ' ~ casts | join(', ') ~ ' from values ' ~ rows | join(', ')
    ~ ' as t (' ~ table.column_names | join(', ') ~ ')' -%}
  {%- set table = prepare_table(this, sql) -%}
  {%- set done = update_rows(this, sql, table) -%}
  {%- do run_pending(table.pending) -%}
  {%- do done.update({'properties': changed_properties(table)}) -%}
  {%- do store_raw_result('main', message=summary(done), code=tojson(done), rows_affected=done.rows_written) -%}
  {{- return({'relations': [this]}) -}}
{% endmacro %}
