{# The run that a row was rejected in. It changes no row by itself: a rejected row keeps the run
   that first saw it. #}
{% macro this_invocation() %}
  {{- exact.volatile("'" ~ invocation_id ~ "'") -}}
{% endmacro %}
