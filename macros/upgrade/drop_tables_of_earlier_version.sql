{# dbt run-operation drop_tables_of_earlier_version: what the engine kept for itself before
   packages/exact, once. The tables of Gold are rebuilt in place by the next run, without it. #}
{% macro drop_tables_of_earlier_version() %}
  {%- set statements = [exact.create_trash_sql()] -%}
  {%- for table in ('trash', 'file_types', 'file_days', 'gold_files') -%}
    {%- do statements.append('drop table if exists ' ~ target.schema ~ '.' ~ table) -%}
  {%- endfor -%}
  {%- do exact.run_statements(statements + exact.delete_folders_sql([gold_base() ~ '/audit/gold_files'])) -%}
{% endmacro %}
