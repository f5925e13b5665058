{# A timestamp of any day: Silver's own, or what its text says. Spark also takes a year, a month, or a
   time as of today: here text names its day. (substr and length would count all of its letters,
   which costs more than the parsing.) #}
{% macro any_timestamp(column) %}
  {%- set text = "trim(" ~ column ~ ")" -%}
  {%- set with_day = "instr(" ~ text ~ ", '-') = 5 and octet_length(" ~ text ~ ") >= 8" -%}
  coalesce({{ column }}__moment, try_cast(if({{ with_day }}, {{ text }}, null) as timestamp))
{%- endmacro %}
