{# The one cast of a Silver column, whatever its type there: text, trimmed, the empty string NULL;
   what does not parse is NULL, never an error, with ANSI mode on or off. #}
{% macro clean(column, type='string') %}
  {%- set text = "trim(" ~ column ~ ")" -%}
  {%- if type == 'string' -%}
    nullif({{ text }}, '')
  {%- elif type == 'int' -%}
    {#- '42.0', as a float column writes it, is 42; '42.7' is no int. -#}
    {%- set number = "try_cast(" ~ text ~ " as decimal(38, 10))" -%}
    try_cast(if({{ number }} = floor({{ number }}), {{ number }}, null) as int)
  {%- elif type == 'timestamp' -%}
    {{ valid_timestamp(any_timestamp(column)) }}
  {%- else -%}
    try_cast({{ text }} as {{ type }})
  {%- endif -%}
{% endmacro %}
