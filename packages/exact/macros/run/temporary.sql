{# Views that live for a run. Global ones, since some adapters open a session for each model;
   named after the warehouse, since one Spark may serve several. name: source_days,
   source_listing, table_listing, claims, rows_<table>, before_<table>_<number>, and what
   add_facts_sql makes. #}
{% macro temporary(name) %}
  {{- return('global_temp.' ~ exact.temporary_name(name)) -}}
{% endmacro %}

{% macro temporary_name(name) %}
  {{- return('exact_' ~ name ~ '_' ~ local_md5(exact.warehouse_base() ~ target.schema)[:6]) -}}
{% endmacro %}

{# Statement that lets go of one and of what was computed, if it is there. `drop view if exists`
   would look for a database global_temp in the catalog, where a role may not look. #}
{% macro forget_sql(name) %}
  {{- return(
    'create or replace global temporary view ' ~ exact.temporary_name(name) ~ ' as select 1 as nothing'
  ) -}}
{% endmacro %}

{# Statements that make one and compute it once. #}
{% macro keep_sql(name, query) %}
  {{- return([
    exact.forget_sql(name),
    'create or replace global temporary view ' ~ exact.temporary_name(name) ~ ' as ' ~ query,
    'cache table ' ~ exact.temporary(name),
  ]) -}}
{% endmacro %}
