{# dbt's unit tests create a view by run_query, which asks for rows; dbt-glue 1.10.19 has none to give for DDL and
   fails: "'NoneType' object is not iterable" (adapters.md 11). So the statement ends with a query of one row:
   dbt-glue runs what stands behind `dbt_next_query` as a statement of its own, and returns the last one's rows. #}
{% macro glue__create_temporary_view(relation, sql) %}
  create or replace temporary view {{ relation.include(schema=false) }} as {{ sql }}
  dbt_next_query
  select 1 as created
{% endmacro %}
