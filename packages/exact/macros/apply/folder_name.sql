{# A partition's value as Hive writes it into the name of its folder. #}
{% macro folder_name(value) %}
  {%- set name = [] -%}
  {%- for char in value -%}
    {%- do name.append(
      '%%%02X' | format(char.encode('utf-8')[0]) if char in '"#%*/:=?{[]^' ~ "'" else char
    ) -%}
  {%- endfor -%}
  {{- return(name | join) -}}
{% endmacro %}

{# SQL: the value in a folder's name. What is no escape stays as it is: a folder may be called
   50%off. #}
{% macro unescaped_sql(expression) %}
  {{- return(
    'if(' ~ expression ~ " rlike '%(?![0-9A-Fa-f]{2})', " ~ expression
    ~ ', url_decode(replace(' ~ expression ~ ", '+', '%2B')))"
  ) -}}
{% endmacro %}
