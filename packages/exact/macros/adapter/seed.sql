{# A seed is a table of a few rows whose SQL is its file, with the types and the order of its
   columns in the yml. Cause: dbt-spark 1.9.3 loads an empty cell as the text None
   (dbt-labs/dbt-adapters #487); dbt-glue 1.10.19 sorts columns and loses types
   (aws-samples/dbt-glue #458); both drop the table first, and leave readers without it, for good
   after a kill. #}
{% macro seed() %}
  {%- set table = load_agate_table() -%}
  {%- do store_result('agate_table', response='OK', agate_table=table) -%}
  {%- if table.column_names | sort != model.columns | sort -%}
    {{- exceptions.raise_compiler_error(
      'The seed ' ~ model.name ~ ' has the columns ' ~ table.column_names | join(', ')
      ~ ', and its yml describes ' ~ model.columns | join(', ') ~ '. Let them be the same.'
    ) -}}
  {%- endif -%}
  {%- set casts = [] -%}
  {%- for name, column in model.columns.items() -%}
    {%- do casts.append('cast(' ~ name ~ ' as ' ~ column.data_type ~ ') as ' ~ name) -%}
  {%- endfor -%}
  {%- set rows = [] -%}
  {%- for row in table.rows -%}
    {%- set cells = [] -%}
    {%- for cell in row -%}
      {%- set name = table.column_names[loop.index0] -%}
      {%- if cell is not none and cell is not string
        and modules.re.match('(?i)string|(var)?char', model.columns[name].data_type) -%}
        {#- dbt has read 007 as 7. -#}
        {{- exceptions.raise_compiler_error(
          'The column ' ~ name ~ ' of the seed ' ~ model.name ~ ' is text by its contract, and dbt takes it'
          ~ ' for something else, such as a number. Add to its yml, under config: column_types: {'
          ~ name ~ ': string}'
        ) -}}
      {%- endif -%}
      {%- do cells.append('null' if cell is none else exact.sql_text(cell | string)) -%}
    {%- endfor -%}
    {%- do rows.append('(' ~ cells | join(', ') ~ ')') -%}
  {%- endfor -%}
  {#- A file of a header alone is a table without rows. -#}
  {%- set no_row = '(' ~ (['null'] * table.column_names | length) | join(', ') ~ ')' -%}
  {{- return(exact.build(
    'select ' ~ casts | join(', ') ~ ' from values ' ~ rows | join(', ') | default(no_row, true)
    ~ ' as t (' ~ table.column_names | join(', ') ~ ')' ~ (' where false' if not rows)
  )) -}}
{% endmacro %}
