{# Of Silver, whose files may hold rows of any day: only files with rows of these days are read. For
   a test that looks at no others. #}
{% macro files_of_recent_days() %}
  {%- set days = var('test_days') | int -%}
  {{- return(exact.rows_from(days_before(days)) if days else '') -}}
{% endmacro %}
