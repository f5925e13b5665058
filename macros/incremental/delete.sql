{# Statements that drop partitions from the catalog and their files: a Gold table has a LOCATION, so it is external, and
   dropping leaves the files, which a repair or --full-refresh would bring back to life (adapters/README.md 2). #}
{% macro drop_partitions_sql(relation, partitions) %}
  {%- set statements = [] -%}
  {#- As many as one statement on Glue can name. -#}
  {%- for some in partitions | batch(200) -%}
    {%- set specs = [] -%}
    {%- set folders = [] -%}
    {%- for p in some -%}
      {%- do specs.append('partition (' ~ partition_column() ~ "='" ~ p ~ "')") -%}
      {%- do folders.append(gold_location(model) ~ '/' ~ partition_column() ~ '=' ~ p) -%}
    {%- endfor -%}
    {%- do statements.append('alter table ' ~ relation ~ ' drop if exists ' ~ specs | join(', ')) -%}
    {%- do statements.extend(delete_folders_sql(folders)) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{# Deletes folders. SQL has no such statement, but dropping a partition of a managed table deletes its folder
   wherever that lies, by Hive's metastore client and by Glue's: so the folders become partitions of the table
   `trash`, for a moment. #}
{% macro delete_folders_sql(folders) %}
  {%- set specs = [] -%}
  {%- for folder in folders -%}
    {%- do specs.append("partition (folder='" ~ local_md5(folder) ~ "')") -%}
  {%- endfor -%}
  {{- return([add_to_trash_sql(folders), 'alter table ' ~ trash_table() ~ ' drop if exists ' ~ specs | join(', ')]) -}}
{% endmacro %}

{# Makes folders that are not there. #}
{% macro add_to_trash_sql(folders) %}
  {%- set specs = [] -%}
  {%- for folder in folders -%}
    {%- do specs.append("partition (folder='" ~ local_md5(folder) ~ "') location " ~ sql_text(folder)) -%}
  {%- endfor -%}
  {{- return('alter table ' ~ trash_table() ~ ' add if not exists ' ~ specs | join(' ')) -}}
{% endmacro %}

{# Made at the start of a run, since two models at once fail to: IF NOT EXISTS looks, and then creates. #}
{% macro create_trash_sql() %}
  {{- return(
    'create table if not exists ' ~ trash_table() ~ ' (nothing int, folder string) using parquet partitioned by (folder)'
  ) -}}
{% endmacro %}

{% macro trash_table() %}{{- return(target.schema ~ '.trash') -}}{% endmacro %}
