{# The package's variables and their defaults; a project or --vars may set any of them. #}
{% macro setting(name) %}
  {%- set defaults = {
    'rebuild': false,
    'rebuild_from': '',
    'rebuild_to': '',
    'explain': false,
    'partitions_per_statement': 400,
    'files_per_filter': 1000,
    'lock_minutes': 60,
    'run_metrics_days': 0,
  } -%}
  {{- return(var(name, defaults[name])) -}}
{% endmacro %}
