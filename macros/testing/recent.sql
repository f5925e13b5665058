{# A predicate that keeps the days that tests look at. A literal, because only a literal prunes
   partitions. #}
{% macro recent(column) %}
  {%- set days = var('test_days') | int -%}
  {%- if days -%}
    {{- return(column ~ " >= date '" ~ days_before(days) ~ "'") -}}
  {%- endif -%}
  {{- return('true') -}}
{% endmacro %}
