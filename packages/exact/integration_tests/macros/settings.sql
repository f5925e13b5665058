{% macro default__warehouse_base() %}
  {{- return(env_var('EXACT_BASE', '/tmp/exact') ~ '/tables') -}}
{% endmacro %}

{% macro default__source_location(source) %}
  {{- return(env_var('EXACT_BASE', '/tmp/exact') ~ '/lake/' ~ source.name) -}}
{% endmacro %}
