{# A node or a source of the project by its id. #}
{% macro node_with(id) %}{{- return(graph.nodes.get(id) or graph.sources[id]) -}}{% endmacro %}

{# What a declaration calls it: its name, or source.table. #}
{% macro declared_name(node) %}
  {{- return((node.source_name ~ '.' if node.resource_type == 'source' else '') ~ node.name) -}}
{% endmacro %}

{# What a node refers to: models, seeds and sources. #}
{% macro nodes_read(node) %}
  {%- set nodes = [] -%}
  {%- for id in node.depends_on.nodes or [] -%}
    {%- do nodes.append(exact.node_with(id)) -%}
  {%- endfor -%}
  {{- return(nodes) -}}
{% endmacro %}

{# Every table and source that a node's SQL names, through ephemeral models. #}
{% macro relations_read(node) %}
  {%- set found = [] -%}
  {%- for read in exact.nodes_read(node) -%}
    {%- do found.extend(exact.itself_or_behind(read)) -%}
  {%- endfor -%}
  {{- return(found | unique(attribute='unique_id') | list) -}}
{% endmacro %}

{% macro itself_or_behind(read) %}
  {{- return(exact.relations_read(read) if read.config.materialized == 'ephemeral' else [read]) -}}
{% endmacro %}

{# The tables and sources that a declared input stands for: itself, or what is behind it where it
   is an ephemeral model, whose SQL is part of its readers'. #}
{% macro tables_behind(node, name) %}
  {%- set behind = exact.run_memory().behind -%}
  {%- set key = node.unique_id ~ ' ' ~ name -%}
  {%- if key not in behind -%}
    {%- set found = [] -%}
    {%- for read in exact.nodes_read(node) if exact.declared_name(read) == name -%}
      {%- do found.extend(exact.itself_or_behind(read)) -%}
    {%- endfor -%}
    {%- do behind.update({key: found | unique(attribute='unique_id') | list}) -%}
  {%- endif -%}
  {{- return(behind[key]) -}}
{% endmacro %}

{# By what the run's memory calls an input of a table: one declared name may stand for several. #}
{% macro input_key(node, name, read) %}
  {{- return(node.alias ~ ' ' ~ name ~ ' ' ~ read.unique_id) -}}
{% endmacro %}

{# A model or seed by its name. #}
{% macro table_named(name) %}
  {{- return(
    graph.nodes.values() | selectattr('resource_type', 'in', ('model', 'seed'))
    | selectattr('name', 'equalto', name) | first
  ) -}}
{% endmacro %}
