{# Wraps SQL that differs from run to run but changes no row by itself, such as the run's id: it
   is left out of a table's version (code_version). #}
{% macro volatile(sql) %}
  {{- return('/*not in the version*/' ~ sql ~ '/*in the version*/') -}}
{% endmacro %}

{% macro without_volatile(text) %}
  {{- return(modules.re.sub('/[*]not in the version[*]/.*?/[*]in the version[*]/', '', text)) -}}
{% endmacro %}
