{# The partition of a rejected row: its day, or, where its timestamp is invalid, the month in
   which its file was written, so that no partition grows with all of history. #}
{% macro rejected_partition(day) %}
  coalesce(cast({{ day }} as string), concat('unknown-', date_format(file_modified, 'yyyy-MM')))
{%- endmacro %}
