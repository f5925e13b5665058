{# A moment, NULL where no row can be of it: before `earliest_date`, or too far in the future. #}
{% macro valid_timestamp(moment) %}
  if(
    {{ moment }} between timestamp '{{ var("earliest_date") }}' and {{ latest_timestamp() }},
    {{ moment }},
    null
  )
{%- endmacro %}
