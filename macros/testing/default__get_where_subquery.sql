{# dbt's macro, which a test's `where` goes through. dbt reads yml when it parses and knows no
   macros there, so `where: recent(event_date)` is a text until the test runs, and becomes the
   macro's SQL here. #}
{% macro default__get_where_subquery(relation) %}
  {%- set where = namespace(sql=config.get('where') or 'true') -%}
  {%- for column in modules.re.findall('recent[(]([a-z_]+)[)]', where.sql) -%}
    {%- set where.sql = where.sql | replace('recent(' ~ column ~ ')', recent(column)) -%}
  {%- endfor -%}
  {%- if where.sql == 'true' -%}
    {{- return(relation) -}}
  {%- endif -%}
  {{- return('(select * from ' ~ relation ~ ' where ' ~ where.sql ~ ') as tested') -}}
{% endmacro %}
