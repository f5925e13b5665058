{# dbt's own names, and a check: dbt calls this macro for every node that it parses, which makes
   it the one place where a project can refuse a model while parsing. #}
{% macro generate_alias_name(custom_alias_name=none, node=none) %}
  {%- do exact.check_declaration(node) -%}
  {{- return(dbt.default__generate_alias_name(custom_alias_name, node)) -}}
{% endmacro %}
