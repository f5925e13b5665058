{# Where Silver is read: a folder or URI without a trailing slash. #}
{% macro silver_base() %}
  {{- return(absolute_path(env_var('SILVER_BASE', '') or '.local/sample/silver')) -}}
{% endmacro %}

{# Where Gold is written: a folder or URI without a trailing slash. #}
{% macro gold_base() %}
  {{- return(absolute_path(env_var('GOLD_BASE', '') or '.local/sample/gold')) -}}
{% endmacro %}

{# A relative path is meant from the project's folder; Spark would take it from the warehouse. #}
{% macro absolute_path(path) %}
  {%- set path = modules.re.sub('^file:/+', '/', path | string).rstrip('/') -%}
  {%- if path.startswith('/') or '://' in path -%}
    {{- return(path) -}}
  {%- endif -%}
  {{- return(invocation_args_dict.project_dir ~ '/' ~ path) -}}
{% endmacro %}

{# The database in which Silver is registered: one of the project's own, where crawlers keep
   `silver`. #}
{% macro silver_schema() %}
  {{- return(env_var('SILVER_SCHEMA', 'silver')) -}}
{% endmacro %}
