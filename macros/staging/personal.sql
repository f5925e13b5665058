{# Text that tells who a user is, as the variable `pii` has it leave staging. Hashed, equal texts
   stay equal, so that they can be counted and joined. Spark itself takes the salt from its
   environment: no SQL, no log and no artefact of dbt has it. (java_method says `null` for null.) #}
{% macro personal(text) %}
  {%- set pii = var('pii') -%}
  {%- if pii == 'clear' -%}
    {{- return(text) -}}
  {%- elif pii == 'masked' -%}
    {{- return("concat(left(" ~ text ~ ", 1), '***')") -}}
  {%- elif pii == 'hashed' -%}
    {%- set name = var('pii_salt') -%}
    {%- set salt = "java_method('java.lang.System', 'getenv', '" ~ name ~ "')" -%}
    {%- set missing = "raise_error('pii is hashed, and " ~ name ~ " is not in the environment of Spark.')" -%}
    {{- return(
      "sha2(concat(coalesce(nullif(nullif(" ~ salt ~ ", ''), 'null'), " ~ missing ~ '), ' ~ text ~ '), 256)'
    ) -}}
  {%- endif -%}
  {{- exceptions.raise_compiler_error('pii is ' ~ pii ~ '; it can be clear, masked or hashed.') -}}
{% endmacro %}
