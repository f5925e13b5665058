{# Ends the statement with a query of one row: what stands behind `dbt_next_query` runs as a
   statement of its own, and the rows of the last are returned. Cause: dbt's unit tests create a
   view by run_query, which asks for rows; dbt-glue 1.10.19 has none to give for DDL, and fails
   with "'NoneType' object is not iterable". No upstream issue found for unit tests; #486 is the
   same elsewhere. #}
{% macro glue__create_temporary_view(relation, sql) %}
  create or replace temporary view {{ relation.include(schema=false) }} as {{ sql }}
  dbt_next_query
  select 1 as created
{% endmacro %}
