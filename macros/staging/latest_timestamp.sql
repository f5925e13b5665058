{# A day after the run: later timestamps are mistakes. One literal for the whole run, so that
   every table of a run draws the same line. No part of a table's version: the engine knows which
   files hold a later moment, and looks again. #}
{% macro latest_timestamp() %}
  {%- set latest = run_started_at + modules.datetime.timedelta(days=1) -%}
  {{- exact.volatile("timestamp '" ~ latest.strftime("%Y-%m-%d %H:%M:%S") ~ "'") -}}
{%- endmacro %}
