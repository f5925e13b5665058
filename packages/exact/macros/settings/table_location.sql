{# The folder of a table, somewhere below warehouse_base(). A project may say otherwise in
   default__table_location. #}
{% macro table_location(node) %}
  {{- return(adapter.dispatch('table_location', 'exact')(node)) -}}
{% endmacro %}

{% macro default__table_location(node) %}
  {{- return(exact.warehouse_base() ~ '/' ~ node.alias) -}}
{% endmacro %}

{# The folder of the engine's own tables: manifest, facts about source files, claims, run_metrics. #}
{% macro engine_location() %}
  {{- return(adapter.dispatch('engine_location', 'exact')()) -}}
{% endmacro %}

{% macro default__engine_location() %}
  {{- return(exact.warehouse_base() ~ '/audit') -}}
{% endmacro %}

{# A path from warehouse_base() on. #}
{% macro below_base(location) %}{{- return(location[exact.warehouse_base() | length + 1:]) -}}{% endmacro %}

{# The folder of a source's files. A project says it in default__source_location. #}
{% macro source_location(source) %}
  {{- return(adapter.dispatch('source_location', 'exact')(source)) -}}
{% endmacro %}

{% macro default__source_location(source) %}
  {{- exceptions.raise_compiler_error(
    'exact does not know where the files of ' ~ source.source_name ~ '.' ~ source.name
    ~ ' lie. Add a macro default__source_location(source) to your project.'
  ) -}}
{% endmacro %}
