{# Refuses what would break a table's contract or lie elsewhere, before a row is written. Neither
   adapter checks runs after the first, where Spark narrows a double to an int without a word;
   dbt-glue ignores precision and order even then (adapter/README.md 8, 9). #}
{% macro check(plan) %}
  {%- if plan.table.change == 'columns' -%}
    {{- exceptions.raise_compiler_error(
      'The contract of ' ~ plan.relation ~ ' changed.'
      ~ exact.column_differences(exact.contract_columns(plan.node), plan.table.columns)
      ~ ' Rebuild it: dbt build --full-refresh --select ' ~ plan.node.name ~ '+'
    ) -}}
  {%- endif -%}
  {%- set expected = exact.contract_columns(plan.node) -%}
  {%- if plan.types and plan.types != exact.struct_of(expected) -%}
    {{- exceptions.raise_compiler_error(
      'Contract of ' ~ plan.relation ~ ' broken, nothing was written.'
      ~ exact.column_differences(expected, exact.columns_of(plan.types))
      ~ ' Mend the model, or its contract in the yml beside it.'
    ) -}}
  {%- endif -%}
{% endmacro %}

{# SQL: 'struct<id:string,...>', the columns that a query gives. #}
{% macro types_sql(sql) %}
  select typeof(first(struct(*))) as types from (
  {{ sql }}
  ) where false
{% endmacro %}

{# [[name, type], ...] as Spark's text, and back. #}
{% macro struct_of(columns) %}
  {%- set fields = [] -%}
  {%- for column in columns -%}
    {%- do fields.append(column | join(':')) -%}
  {%- endfor -%}
  {{- return('struct<' ~ fields | join(',') ~ '>') -}}
{% endmacro %}

{% macro columns_of(struct) %}
  {{- return(modules.re.findall('(?:^|,)([^:,<>]+):([a-z_]+(?:[(][0-9,]+[)])?(?:<.*>)?)', struct[7:-1])) -}}
{% endmacro %}

{# ' Column 2: amount decimal(18,2) in the contract, amount double here.' for each that differs. #}
{% macro column_differences(expected, actual) %}
  {%- set lines = [] -%}
  {%- for i in range([expected | length, actual | length] | max) -%}
    {%- set want = expected[i] | join(' ') if i < expected | length else 'nothing' -%}
    {%- set have = actual[i] | join(' ') if i < actual | length else 'nothing' -%}
    {%- if want != have -%}
      {%- do lines.append(' Column ' ~ (i + 1) ~ ': ' ~ want ~ ' in the contract, ' ~ have ~ ' here.') -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(lines | join('')) -}}
{% endmacro %}
