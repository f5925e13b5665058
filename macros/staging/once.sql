{# A clause behind `from`: the value of an expression under a name, computed once a row. Spark 3.5 and 4.1
   put an expression in place of its name in each predicate, below a shuffle too, so that a moment's text
   was parsed six times (SPARK-47672). Of what a generator makes they don't. #}
{% macro once(expression, name) %}
  lateral view explode(array({{ expression }})) as {{ name }}
{%- endmacro %}
