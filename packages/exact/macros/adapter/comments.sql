{# A description as a SQL literal. Cause: both adapters paste descriptions into SQL, where an
   apostrophe or a last backslash ends the literal, and dbt-glue 1.10.19 pastes that into Python.
   No upstream issue found. #}
{% macro sql_comment(text) %}
  {%- set plain = text | replace("'", '’') | replace('%c' | format(92), '/') | replace('\n', ' ') -%}
  {{- return("'" ~ plain | trim ~ "'") -}}
{% endmacro %}

{# Statements that write the descriptions of an existing table into the catalog; of a partition
   column Spark cannot (SPARK-44837). Cause: dbt-glue 1.10.19 never calls persist_docs on an
   incremental run, dbt-spark 1.9.3 skips the columns of parquet tables (dbt-labs/dbt-adapters
   #2023). #}
{% macro comments_sql(node, relation) %}
  {%- set statements = ['comment on table ' ~ relation ~ ' is ' ~ exact.sql_comment(node.description)] -%}
  {%- for name, column in node.columns.items() if name != exact.partition_column(node) -%}
    {%- do statements.append(
      'alter table ' ~ relation ~ ' change column ' ~ name ~ ' ' ~ name ~ ' ' ~ column.data_type
      ~ ' comment ' ~ exact.sql_comment(column.description)
    ) -%}
  {%- endfor -%}
  {%- do statements.append(
    'alter table ' ~ relation
    ~ " set tblproperties ('exact.described' = '" ~ exact.description_version(node) ~ "')"
  ) -%}
  {{- return(statements) -}}
{% endmacro %}
