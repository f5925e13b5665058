{# What a model says of itself under meta.exact, or none where it says nothing: then it is not one
   of the engine's.
   - inputs: what it reads, each with the expression that maps a row of it to a partition of this
     table, or `all` where every partition depends on all of it. A list of names means all of
     each.
   - restated_by: {dimension, key, attributes: {own column: theirs}}, attributes copied from a
     dimension. A partition that holds other ones than the dimension does now is rebuilt; with
     compare: false it keeps those of its last build.
   - complete_in: a table that holds most of the input's rows, one for one. A partition all of
     whose rows are there has none here, and is not looked at.
   - sorted_by: the column that a partition's files are sorted by.
   - left_out: {input: condition}, rows of an input to be counted in run_metrics as left out. #}
{% macro declaration(node) %}
  {%- set declared = (node.config.meta or {}).get('exact') -%}
  {%- if declared is none -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- set inputs = {} -%}
  {%- for name in declared.inputs or [] -%}
    {%- do inputs.update(
      {name: declared.inputs[name] if declared.inputs is mapping else exact.all_rows()}
    ) -%}
  {%- endfor -%}
  {{- return({
    'inputs': inputs,
    'restated_by': declared.get('restated_by'),
    'complete_in': declared.get('complete_in'),
    'sorted_by': declared.get('sorted_by'),
    'left_out': declared.get('left_out', {}),
  }) -}}
{% endmacro %}

{# That of a seed. #}
{% macro no_declaration() %}
  {{- return({'inputs': {}, 'restated_by': none, 'complete_in': none, 'sorted_by': none, 'left_out': {}}) -}}
{% endmacro %}

{# Every partition depends on all rows of the input. #}
{% macro all_rows() %}{{- return('all') -}}{% endmacro %}

{# The one partition of a table without a partition column, or whose inputs do not tell its
   partitions apart. #}
{% macro whole_table() %}{{- return('whole table') -}}{% endmacro %}

{# Whether a table's inputs tell which of its partitions they belong to. #}
{% macro by_partition(declared) %}
  {{- return(declared.inputs.values() | reject('equalto', exact.all_rows()) | list | length > 0) -}}
{% endmacro %}

{# The partition column; none where there is none. #}
{% macro partition_column(node) %}
  {%- set columns = node.config.partition_by -%}
  {{- return((columns if columns is string else columns[0]) if columns else none) -}}
{% endmacro %}

{# The models and seeds that the engine builds. #}
{% macro engine_nodes() %}
  {%- set memory = exact.run_memory() -%}
  {%- if 'nodes' not in memory -%}
    {%- set nodes = [] -%}
    {%- for node in graph.nodes.values() -%}
      {%- if node.resource_type == 'seed'
        or (node.resource_type == 'model' and exact.declaration(node) is not none) -%}
        {%- do nodes.append(node) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- do memory.update({'nodes': nodes}) -%}
  {%- endif -%}
  {{- return(memory.nodes) -}}
{% endmacro %}
