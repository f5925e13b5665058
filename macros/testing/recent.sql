{# A predicate that keeps the days that tests look at. A literal, because only a literal prunes
   partitions. #}
{% macro recent(column) %}
  {%- set days = var('test_days') | int -%}
  {%- if days -%}
    {%- set first_day = run_started_at - modules.datetime.timedelta(days=days) -%}
    {{- return(column ~ " >= date '" ~ first_day.strftime('%Y-%m-%d') ~ "'") -}}
  {%- endif -%}
  {{- return('true') -}}
{% endmacro %}
