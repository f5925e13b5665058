{# The run that a row was rejected in. Left out of a model's checksum, like latest_timestamp. #}
{% macro this_invocation() %}
  {{- "'" ~ invocation_id ~ "'" -}}
{% endmacro %}
