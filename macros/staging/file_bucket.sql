{# Which of a partition's files a row goes to: one shuffle by partition and file serves both the
   removal of duplicates and the write, and bounds the number of files. table: whose inputs say how
   many rows a day has. #}
{% macro file_bucket(key, day, table) %}
  pmod(hash({{ key }}), {{ files_of(day, table) }})
{% endmacro %}
