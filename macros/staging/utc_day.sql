{# The UTC day of a Silver timestamp column: the partition of its row, NULL where it is invalid. #}
{% macro utc_day(column) %}
  cast({{ clean(column, 'timestamp') }} as date)
{% endmacro %}
