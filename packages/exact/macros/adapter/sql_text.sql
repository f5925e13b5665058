{# A text as a SQL literal, on Spark 3.5 and 4.1, by dbt-spark and dbt-glue alike. Neither escape
   can be used. Cause: a doubled quote is no escape before Spark 4; and dbt-glue 1.10.19 pastes
   SQL into a Python string that is not raw (gluedbapi/cursor.py), which eats backslashes: lint
   refuses them (dbt-bouncer.yml). No upstream issue found. #}
{% macro sql_text(value) %}
  {%- if '%c' | format(92) in value -%}
    {{- exceptions.raise_compiler_error('Cannot be quoted in SQL, because it has a backslash: ' ~ value) -}}
  {%- elif "'" not in value -%}
    {{- return("'" ~ value ~ "'") -}}
  {%- elif '"' not in value -%}
    {{- return('"' ~ value ~ '"') -}}
  {%- endif -%}
  {{- exceptions.raise_compiler_error("Cannot be quoted in SQL, rename it: " ~ value) -}}
{% endmacro %}
