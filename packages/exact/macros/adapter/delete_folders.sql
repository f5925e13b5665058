{# Statements that delete folders. SQL has no such statement, but dropping a partition of a
   managed table deletes its folder wherever that lies, by Hive's metastore client and by Glue's:
   so the folders become partitions of the table exact_trash, for a moment. #}
{% macro delete_folders_sql(folders) %}
  {%- set statements = [] -%}
  {%- for some in folders | batch(200) -%}
    {%- set specs = [] -%}
    {%- set places = [] -%}
    {%- for folder in some -%}
      {%- set spec = "partition (folder='" ~ local_md5(folder) ~ "')" -%}
      {%- do specs.append(spec) -%}
      {%- do places.append(spec ~ ' location ' ~ exact.sql_text(folder)) -%}
    {%- endfor -%}
    {#- A killed run may have left one of them there. -#}
    {%- do statements.append(
      'alter table ' ~ exact.trash_table() ~ ' add if not exists ' ~ places | join(' ')
    ) -%}
    {%- do statements.append(
      'alter table ' ~ exact.trash_table() ~ ' drop if exists ' ~ specs | join(', ')
    ) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{% macro create_trash_sql() %}
  {{- return(
    'create table if not exists ' ~ exact.trash_table()
    ~ ' (nothing int, folder string) using parquet partitioned by (folder)'
  ) -}}
{% endmacro %}

{% macro trash_table() %}{{- return(target.schema ~ '.exact_trash') -}}{% endmacro %}
