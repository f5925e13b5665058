{# How a source's text is read as a moment. A project with rules of its own has macros
   default__moment and so on. #}

{# Any moment that the text names; NULL where it names none. #}
{% macro moment(column) %}
  {{- return(adapter.dispatch('moment', 'exact')(column)) -}}
{% endmacro %}

{% macro default__moment(column) %}
  {{- return('try_cast(trim(' ~ column ~ ') as timestamp)') -}}
{% endmacro %}

{# The same, NULL where the models would not accept it. #}
{% macro valid_moment(column) %}
  {{- return(adapter.dispatch('valid_moment', 'exact')(column)) -}}
{% endmacro %}

{% macro default__valid_moment(column) %}
  {{- return(
    'if(' ~ exact.moment(column) ~ ' <= ' ~ exact.latest_moment() ~ ', ' ~ exact.moment(column) ~ ', null)'
  ) -}}
{% endmacro %}

{# The latest moment that the models accept; it moves with time, and a later one becomes valid
   some day. #}
{% macro latest_moment() %}
  {{- return(adapter.dispatch('latest_moment', 'exact')()) -}}
{% endmacro %}

{% macro default__latest_moment() %}
  {%- set latest = run_started_at + modules.datetime.timedelta(days=1) -%}
  {{- return(exact.volatile("timestamp '" ~ latest.strftime('%Y-%m-%d %H:%M:%S') ~ "'")) -}}
{% endmacro %}
