{# on-run-start: registers Silver, and mends what an interrupted run left. Nothing while parsing or for
   commands that only read the project. #}
{% macro start_run() %}
  {%- if execute and flags.WHICH in ('run', 'build', 'test', 'seed', 'snapshot') -%}
    {%- do run_sql('create database if not exists ' ~ target.schema) -%}
    {%- if flags.WHICH != 'seed' -%}
      {%- do register_silver() -%}
    {%- endif -%}
    {%- if flags.WHICH == 'run' -%}
      {%- do assert_seeded() -%}
    {%- endif -%}
    {%- if flags.WHICH in ('run', 'build') -%}
      {%- do mend_interrupted_run() -%}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}

{# dbt run does not load seeds; without them dimensions fail one by one, halfway. #}
{% macro assert_seeded() %}
  {%- set tables = fetch('show tables in ' ~ target.schema) | map(attribute='tablename') | list -%}
  {%- for node in graph.nodes.values() if node.resource_type == 'seed' and node.package_name == project_name and node.alias not in tables -%}
    {{- exceptions.raise_compiler_error(
      'The seed ' ~ node.alias ~ ' is not loaded in ' ~ target.schema ~ '. Run `dbt seed` once, or `dbt build`, which does it.'
    ) -}}
  {%- endfor -%}
{% endmacro %}

{# A run writes its start into the database's properties and takes it out when it ended well. Found there at
   the next start, it means that a run was killed or failed: some partitions may be new, some old, some known
   to the folder but not to the catalog, and Spark's staging folders may be left behind. #}
{% macro mend_interrupted_run() %}
  {%- set schema = target.schema -%}
  {%- set since = interrupted_since(schema) -%}
  {%- if since -%}
    {%- do log('The last run did not end well: taking its leftovers into account.', info=true) -%}
    {%- do empty_trash(schema) -%}
    {%- do delete_staging_folders(schema) -%}
    {%- set tables = fetch('show tables in ' ~ schema) | map(attribute='tablename') | list -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.get('partition_by') and node.alias in tables -%}
      {%- do run_sql('msck repair table ' ~ schema ~ '.' ~ node.alias) -%}
      {%- do run_sql(
        'alter table ' ~ schema ~ '.' ~ node.alias ~ " set tblproperties ('gold.suspect_since'='" ~ since ~ "')"
      ) -%}
    {%- endfor -%}
  {%- else -%}
    {%- set since = (modules.datetime.datetime.now().timestamp() | int) - 60 -%}
  {%- endif -%}
  {%- do run_sql('alter database ' ~ schema ~ " set dbproperties ('gold.unfinished_since'='" ~ since ~ "')") -%}
{% endmacro %}

{% macro interrupted_since(schema) %}
  {%- for row in fetch('describe database extended ' ~ schema) if row.info_name == 'Properties' -%}
    {%- set found = modules.re.search('gold.unfinished_since,([0-9]+)', row.info_value) -%}
    {%- if found -%}{{- return(found.group(1)) -}}{%- endif -%}
  {%- endfor -%}
  {{- return('') -}}
{% endmacro %}

{# A folder that a killed run had in the trash may be in use again: let go of it, do not delete it. #}
{% macro empty_trash(schema) %}
  {%- if fetch('show tables in ' ~ schema ~ " like 'trash'") -%}
    {%- for row in fetch('show partitions ' ~ schema ~ '.trash') -%}
      {%- set spec = "partition (folder='" ~ row.partition.split('=')[1] ~ "')" -%}
      {%- do run_sql('alter table ' ~ schema ~ '.trash ' ~ spec ~ ' set location ' ~ sql_text(gold_base() ~ '/audit/trash')) -%}
      {%- do run_sql('alter table ' ~ schema ~ '.trash drop if exists ' ~ spec) -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}

{# Spark writes into .spark-staging-* or _temporary beside the data, and nobody cleans them after a kill. Hidden
   from every listing, they show up when asked for by name; the pattern must also match something that exists. #}
{% macro delete_staging_folders(schema) %}
  {%- set pattern = gold_base() ~ '/{audit/silver_file_types/*.parquet,*/*/.spark-staging-*,*/*/_temporary}' -%}
  {%- do run_sql(
    'create or replace temporary view staging_files using binaryFile options (path ' ~ sql_text(pattern)
    ~ ', recursiveFileLookup true)'
  ) -%}
  {%- set folders = [] -%}
  {%- for row in fetch("select distinct regexp_extract(path, '^(.*?/([.]spark-staging-[^/]*|_temporary))/', 1) as folder from staging_files") if row.folder -%}
    {%- do folders.append(row.folder) -%}
  {%- endfor -%}
  {%- if folders -%}
    {%- do delete_folders(folders) -%}
  {%- endif -%}
{% endmacro %}
