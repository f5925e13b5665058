{# The contract of the model that runs: [[name, type], ...], with comments [[name, type, description], ...]. #}
{% macro contract_columns(comments=false, technical=true) %}
  {%- set columns = [] -%}
  {%- for name, column in model.columns.items() if technical or name != technical_column() -%}
    {%- do columns.append([name, column.data_type] + ([column.description] if comments else [])) -%}
  {%- endfor -%}
  {{- return(columns) -}}
{% endmacro %}

{# Refuses SQL whose columns differ from the contract in name, type or order, before a row is written.
   Neither adapter checks later runs, where Spark narrows a double to an int without a word; dbt-glue
   ignores precision and order even on the first (adapters/README.md 8, 9). What passed is remembered in gold.checked.
   types: what the query behind types_sql said; none where nothing had to be asked. #}
{% macro assert_contract(sql, table, types) %}
  {%- if types -%}
    {%- set expected = contract_columns(technical=false) -%}
    {%- set wanted = [] -%}
    {%- for column in expected -%}
      {%- do wanted.append(column | join(':')) -%}
    {%- endfor -%}
    {%- if types != 'struct<' ~ wanted | join(',') ~ '>' -%}
      {%- set actual = modules.re.findall('(?:^|,)([^:,<>]+):([a-z_]+(?:[(][0-9,]+[)])?(?:<.*>)?)', types[7:-1]) -%}
      {%- do run_sql('drop table ' ~ this) if table.new -%}
      {{- exceptions.raise_compiler_error(
        'Contract of ' ~ this ~ ' broken, nothing was written.' ~ column_differences(expected, actual)
        ~ ' Mend the model, or its contract in the yml beside it.'
      ) -}}
    {%- endif -%}
    {%- do table.properties.update({'gold.checked': contract_checksum(sql)}) -%}
  {%- endif -%}
{% endmacro %}

{# 'struct<event_id:string,...>', the columns that SQL gives: a scalar, so that it comes with the answer to another question.
   NULL where they passed before. #}
{% macro types_sql(sql, table) %}
  {%- if table.properties.get('gold.checked') == contract_checksum(sql) -%}
    {{- return('cast(null as string)') -}}
  {%- endif -%}
  {%- set types -%}
    (select typeof(first(struct(*))) from (
    {{ sql }}
    ) where false)
  {%- endset -%}
  {{- return(types) -}}
{% endmacro %}

{# All that decides the types of a model's columns: its SQL and the contracts of what it reads. #}
{% macro contract_checksum(sql) %}
  {%- set types = [contract_columns(), model_checksum(sql)] -%}
  {%- for id in model.depends_on.nodes or [] if id in graph.nodes -%}
    {%- for name, column in graph.nodes[id].columns.items() -%}
      {%- do types.append([name, column.data_type]) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(local_md5(tojson(types))) -}}
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
