{# One row per period, `date_<datepart>`, from start_date up to and without end_date. #}
{% macro date_spine(datepart, start_date, end_date) %}
  select explode(sequence(
      cast({{ start_date }} as timestamp),
      cast({{ end_date }} as timestamp) - interval 1 {{ datepart }},
      interval 1 {{ datepart }}
  )) as date_{{ datepart }}
{% endmacro %}
