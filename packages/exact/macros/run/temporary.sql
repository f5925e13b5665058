{# Views that live for a run. Global ones, since some adapters open a session for each model;
   named after the run, since one Spark may serve several at once (a Thrift server). name:
   source_days, source_listing, table_listing, claims, rows_<table>, before_<table>_<number>, and
   what add_facts_sql makes. #}
{% macro temporary(name) %}
  {{- return('global_temp.' ~ exact.temporary_name(name)) -}}
{% endmacro %}

{% macro temporary_name(name) %}
  {{- return('exact_' ~ name ~ '_' ~ local_md5(invocation_id)[:8]) -}}
{% endmacro %}

{# Statement that lets go of one and of what was computed, if it is there. On Glue `drop view if
   exists` would look for a database global_temp in the catalog, where a role may not look; there
   the view ends with the session. #}
{% macro forget_sql(name) %}
  {%- if target.type == 'glue' -%}
    {{- return(
      'create or replace global temporary view ' ~ exact.temporary_name(name) ~ ' as select 1 as nothing'
    ) -}}
  {%- endif -%}
  {{- return('drop view if exists ' ~ exact.temporary(name)) -}}
{% endmacro %}

{# Statements that let go of those that live as long as the run. #}
{% macro forget_all_sql() %}
  {%- set statements = [] -%}
  {%- set facts = exact.run_memory().facts.values() | sum(start=[]) -%}
  {%- for name in facts + ['source_days', 'source_listing', 'table_listing', 'claims'] -%}
    {%- do statements.append(exact.forget_sql(name)) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{# Statements that make one and compute it once. It holds the run's id: Spark answers any query over
   the same folder from what was computed, for another catalog's tables too (adapter/README.md 22). #}
{% macro keep_sql(name, query) %}
  {{- return([
    exact.forget_sql(name),
    'create or replace global temporary view ' ~ exact.temporary_name(name)
    ~ " as select *, '" ~ invocation_id ~ "' as exact_run from (" ~ query ~ ')',
    'cache table ' ~ exact.temporary(name),
  ]) -}}
{% endmacro %}
