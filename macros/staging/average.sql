{# An amount a head, rounded half up to cents; 0 where there is none. #}
{% macro average(total, count) %}
  cast(if({{ count }} = 0, 0, {{ total }} / {{ count }}) as decimal(18, 2))
{% endmacro %}
