{# Spark writes into .spark-staging-* or _temporary beside the data, and nobody deletes them after
   a kill. No listing shows them, since their names begin with a dot or an underscore, but a
   pattern finds them. A pattern that matches nothing is an error, so the folder of claims, which
   is there, is one of them. #}
{% macro staging_view_sql() %}
  {%- set base = exact.warehouse_base() -%}
  {%- set places = [exact.below_base(exact.claims_location())] -%}
  {%- for node in exact.engine_nodes() -%}
    {%- do places.append(exact.below_base(exact.table_location(node)) ~ '/.spark-staging-*') -%}
    {%- do places.append(exact.below_base(exact.table_location(node)) ~ '/_temporary') -%}
  {%- endfor -%}
  {{- return([
    'create or replace temporary view exact_staging using binaryFile options (path '
    ~ exact.sql_text(base ~ '/{' ~ places | join(',') ~ '}') ~ ', recursiveFileLookup true)',
  ]) -}}
{% endmacro %}

{# Whether nobody has written to any of them for lock_minutes, by the storage's clock. #}
{% macro writers_are_silent() %}
  {%- set own = "path like '%/owner=" ~ exact.claim_owner() ~ "/%'" -%}
  {%- set row = exact.fetch(exact.staging_view_sql() + [
    'select (unix_timestamp(max(if(' ~ own ~ ', modificationTime, null)))'
    ~ " - unix_timestamp(max(if(path not like '%/owner=%', modificationTime, null)))) / 60 as minutes"
    ~ ' from exact_staging'
  ])[0] -%}
  {{- return(row.minutes is none or row.minutes >= exact.setting('lock_minutes') | int) -}}
{% endmacro %}

{# Deletes them, by the holder of the lock alone. One that holds no file yet is named by nothing
   but the plan of a query: so EXPLAIN is read, which says what the pattern matched. #}
{% macro delete_staging_folders() %}
  {%- set folders = [] -%}
  {%- set rows = exact.fetch(exact.staging_view_sql() + [
    'set spark.sql.maxMetadataStringLength = 1000000', 'explain select path from exact_staging',
  ]) -%}
  {%- for row in rows -%}
    {#- What follows the base, in which a comma may stand. -#}
    {%- for path in row.plan.split(exact.warehouse_base().split('://')[-1] ~ '/') -%}
      {%- set found = modules.re.match('[^],]*/([.]spark-staging-[^],/]+|_temporary)', path) -%}
      {%- set folder = exact.warehouse_base() ~ '/' ~ found.group(0) if found -%}
      {%- do folders.append(folder) if found and folder not in folders -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- do exact.run_statements(
    ['set spark.sql.maxMetadataStringLength = 100'] + exact.delete_folders_sql(folders)
  ) -%}
{% endmacro %}
