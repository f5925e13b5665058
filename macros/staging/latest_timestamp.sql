{# A day after the run: later timestamps are mistakes. One literal for the whole run, so that every
   table of a run draws the same line; left out of a model's checksum. #}
{% macro latest_timestamp() %}
  {%- set latest = run_started_at + modules.datetime.timedelta(days=1) -%}
  timestamp '{{ latest.strftime("%Y-%m-%d %H:%M:%S") }}'
{%- endmacro %}
