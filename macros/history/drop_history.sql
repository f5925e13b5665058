{# dbt run-operation drop_history: deletes the history of users, its files too; the next snapshot
   begins a new one. `drop table` alone leaves the files, and the next run would find them. #}
{% macro drop_history() %}
  {%- if execute -%}
    {%- set missing = no_iceberg() -%}
    {%- if missing -%}
      {{- exceptions.raise_compiler_error('Nothing was dropped: ' ~ missing) -}}
    {%- endif -%}
    {%- for node in graph.nodes.values()
      if node.resource_type == 'snapshot' and node.package_name == project_name -%}
      {%- set table = exact.relation_name(node) -%}
      {%- do exact.run_statements(
        (['drop table history.' ~ table] if history_of(node) else [])
        + [exact.create_trash_sql()] + exact.delete_folders_sql([history_location(node)])
      ) -%}
      {%- do log('Dropped: ' ~ table ~ ', ' ~ history_location(node), info=true) -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}
