{# The run that wrote a rejected row. It changes no row by itself: until something else rebuilds its
   partition, a row keeps the run that wrote it. #}
{% macro this_invocation() %}
  {{- exact.volatile("'" ~ invocation_id ~ "'") -}}
{% endmacro %}
