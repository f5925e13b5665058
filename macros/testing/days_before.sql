{# The day so many days before that of the run. A literal: no test is asked again and again for it. #}
{% macro days_before(days) %}
  {{- return((run_started_at - modules.datetime.timedelta(days=days)).strftime('%Y-%m-%d')) -}}
{% endmacro %}
