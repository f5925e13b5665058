{# The folder or URI below which all tables lie, without a trailing slash. A project says it in
   its own macro default__warehouse_base. #}
{% macro warehouse_base() %}
  {{- return(adapter.dispatch('warehouse_base', 'exact')()) -}}
{% endmacro %}

{% macro default__warehouse_base() %}
  {{- exceptions.raise_compiler_error(
    'exact does not know where tables lie. Add a macro default__warehouse_base() to your project'
    ~ ' that returns a folder or URI.'
  ) -}}
{% endmacro %}
