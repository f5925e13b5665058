{# Spark writes into .spark-staging-* or _temporary beside the data, and nobody deletes them after
   a kill. No listing shows them, nor what is below a folder of such a name, since it begins with a
   dot or an underscore; but a pattern finds them. A pattern that matches nothing is an error, so
   the folder of claims, which is there, is one of them. `below` are further patterns. #}
{% macro staging_view_sql(below=[]) %}
  {%- set base = exact.warehouse_base() -%}
  {%- set places = [exact.below_base(exact.claims_location())] -%}
  {%- for node in exact.engine_nodes() -%}
    {%- for folder in ['/.spark-staging-*', '/_temporary'] + below -%}
      {%- do places.append(exact.below_base(exact.table_location(node)) ~ folder) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return([
    'create or replace temporary view exact_staging using binaryFile options (path '
    ~ exact.sql_text(base ~ '/{' ~ places | join(',') ~ '}') ~ ', recursiveFileLookup true)',
  ]) -}}
{% endmacro %}

{# Whether nobody has written to any of them for lock_minutes, by the storage's clock. Until a job
   ends, its files are in folders of its attempts, two _temporary deep. #}
{% macro writers_are_silent() %}
  {%- set attempts = '/_temporary/*/_temporary/*' -%}
  {%- set claims = exact.below_base(exact.claims_location()) ~ '/owner=' -%}
  {%- set own = 'instr(path, ' ~ exact.sql_text(claims ~ exact.claim_owner() ~ '/') ~ ') > 0' -%}
  {%- set written = 'instr(path, ' ~ exact.sql_text(claims) ~ ') = 0' -%}
  {%- set row = exact.fetch(exact.staging_view_sql(['/.spark-staging-*' ~ attempts, attempts]) + [
    'select (unix_timestamp(max(if(' ~ own ~ ', modificationTime, null)))'
    ~ ' - unix_timestamp(max(if(' ~ written ~ ', modificationTime, null)))) / 60 as minutes'
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
