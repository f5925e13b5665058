{# Statements that make a table from its contract, or change its descriptions. CREATE TABLE AS,
   which both adapters use, fails on a folder that is not empty and leaves no table behind
   (adapter/README.md 2): so it is created empty, by metadata alone, and takes over the partitions
   that its folder has. --full-refresh drops the catalog's entry, never the files, and only where
   the columns changed. #}
{% macro prepare_table_sql(plan) %}
  {%- set statements = [] -%}
  {%- set location = exact.table_location(plan.node) -%}
  {%- if plan.table.change == 'comments' -%}
    {{- return(exact.comments_sql(plan.node, plan.relation)) -}}
  {%- elif not plan.table.change -%}
    {{- return([]) -}}
  {%- endif -%}
  {%- if plan.table.change == 'replace' -%}
    {%- do statements.append('drop table ' ~ plan.relation) -%}
    {#- Folders of another partition column cannot be read by the new one. -#}
    {%- if not plan.table.same_partitions -%}
      {%- do statements.extend(exact.delete_folders_sql([location])) -%}
    {%- endif -%}
  {%- endif -%}
  {%- do statements.append(exact.create_table_sql(plan.node, plan.relation, location)) -%}
  {%- do statements.append('msck repair table ' ~ plan.relation) if plan.column -%}
  {{- return(statements) -}}
{% endmacro %}

{% macro create_table_sql(node, relation, location) %}
  {%- set column = exact.partition_column(node) %}
  create table if not exists {{ relation }} (
  {%- for name, details in node.columns.items() %}
    {{ name }} {{ details.data_type }}
    comment {{ exact.sql_comment(details.description) }}{{ ',' if not loop.last }}
  {%- endfor %}
  ) using parquet
  {% if column %}partitioned by ({{ column }}){% endif %}
  location {{ exact.sql_text(location) }}
  comment {{ exact.sql_comment(node.description) }}
  tblproperties ('exact.described' = '{{ exact.description_version(node) }}')
{% endmacro %}
