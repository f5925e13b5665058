{# Whether this run only says what it would do: --vars '{explain: true}', and dbt's --empty, which
   checks SQL and contracts. #}
{% macro read_only() %}
  {{- return(exact.setting('explain') | string | lower == 'true' or flags.EMPTY) -}}
{% endmacro %}

{# A plan in the log: each partition that would be rebuilt or dropped, with the reason. #}
{% macro log_plan(plan) %}
  {%- if not flags.EMPTY -%}
    {%- do log(
      plan.relation ~ ': ' ~ plan.rebuild | length ~ ' of ' ~ plan.checked ~ ' partitions would be rebuilt, '
      ~ plan.drop | length ~ ' dropped', info=true
    ) -%}
    {%- set column = plan.column ~ '=' if plan.column else '' -%}
    {%- for p, reason in plan.rebuild.items() | sort -%}
      {%- do log('    ' ~ (column if p != exact.whole_table() else '') ~ p ~ ': ' ~ reason, info=true) -%}
    {%- endfor -%}
    {%- for p in plan.drop | sort -%}
      {%- do log('    ' ~ column ~ p ~ ': dropped, its inputs are gone', info=true) -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}
