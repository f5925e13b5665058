{# A timestamp of any day. Spark also takes a year, a month, or a time as of today: here it names
   its day. #}
{% macro any_timestamp(column) %}
  {%- set text = "trim(" ~ column ~ ")" -%}
  try_cast(if(substr({{ text }}, 5, 1) = '-' and length({{ text }}) >= 8, {{ text }}, null) as timestamp)
{%- endmacro %}
