{# The tables and sources that a declared input stands for: itself, or what is behind it where it
   is an ephemeral model, whose SQL is part of its readers'. Fails where one of them is nothing
   that the engine can follow. #}
{% macro tables_behind(node, name) %}
  {%- set behind = exact.run_memory().behind -%}
  {%- if node.unique_id ~ ' ' ~ name not in behind -%}
    {%- do behind.update({node.unique_id ~ ' ' ~ name: exact.look_behind(node, name)}) -%}
  {%- endif -%}
  {{- return(behind[node.unique_id ~ ' ' ~ name]) -}}
{% endmacro %}

{% macro look_behind(node, name) %}
  {%- set found = [] -%}
  {%- for id in node.depends_on.nodes or [] -%}
    {%- set read = graph.nodes.get(id) or graph.sources[id] -%}
    {%- set read_name = read.name if id in graph.nodes else read.source_name ~ '.' ~ read.name -%}
    {%- if read_name == name and read.config.materialized == 'ephemeral' -%}
      {%- for deeper in read.depends_on.nodes -%}
        {%- set deeper_node = graph.nodes.get(deeper) or graph.sources[deeper] -%}
        {%- set deeper_name = deeper_node.name if deeper in graph.nodes
          else deeper_node.source_name ~ '.' ~ deeper_node.name -%}
        {%- do found.extend(exact.tables_behind(read, deeper_name)) -%}
      {%- endfor -%}
    {%- elif read_name == name -%}
      {%- do found.append(read) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for read in found -%}
    {%- set followed = exact.source_declaration(read) if read.resource_type == 'source'
      else exact.engine_nodes() and read.unique_id in exact.run_memory().node_ids -%}
    {%- if not followed -%}
      {{- exceptions.raise_compiler_error(
        node.name ~ ' reads ' ~ read.name ~ ', of which the engine does not know when it changes.'
        ~ ' Give it meta.exact' ~ (
          ', with the columns and the day of its rows.' if read.resource_type == 'source'
          else ', or make it ephemeral.'
        )
      ) -}}
    {%- endif -%}
  {%- endfor -%}
  {{- return(found | unique(attribute='unique_id') | list) -}}
{% endmacro %}

{# A declared name among a node's direct dependencies. #}
{% macro table_named(name) %}
  {{- return(
    graph.nodes.values() | selectattr('resource_type', 'in', ('model', 'seed'))
    | selectattr('name', 'equalto', name) | first
  ) -}}
{% endmacro %}

{# Every table and source that a node's SQL names, through ephemeral models. #}
{% macro relations_read(node) %}
  {%- set found = [] -%}
  {%- for id in node.depends_on.nodes or [] -%}
    {%- set read = graph.nodes.get(id) or graph.sources[id] -%}
    {%- if read.config.materialized == 'ephemeral' -%}
      {%- do found.extend(exact.relations_read(read)) -%}
    {%- else -%}
      {%- do found.append(read) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(found | unique(attribute='unique_id') | list) -}}
{% endmacro %}
