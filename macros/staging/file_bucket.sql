{# Which of a partition's files a row goes to: one shuffle by partition and file serves both the
   removal of duplicates and the write, and bounds the number of files. #}
{% macro file_bucket(key) %}
  pmod(hash({{ key }}), {{ var('files_per_partition') }})
{% endmacro %}
