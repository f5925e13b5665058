{# on-run-start: registers Silver, and mends what an interrupted run left. Nothing while parsing or for
   commands that only read the project. #}
{% macro start_run() %}
  {%- if execute and flags.WHICH in ('run', 'build', 'test', 'seed', 'snapshot') -%}
    {%- do run_sql(['create database if not exists ' ~ target.schema, create_trash_sql()]) -%}
    {%- if flags.WHICH in ('run', 'build', 'seed') -%}
      {%- do mend_interrupted_run() -%}
    {%- endif -%}
    {%- if flags.WHICH != 'seed' -%}
      {%- do register_silver() -%}
    {%- endif -%}
    {%- if flags.WHICH == 'run' -%}
      {%- do assert_seeded() -%}
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
    {%- do empty_trash() -%}
    {%- do delete_staging_folders() -%}
    {%- set tables = fetch('show tables in ' ~ schema) | map(attribute='tablename') | list -%}
    {%- set statements = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed') and node.alias in tables -%}
      {%- if node.config.get('partition_by') -%}
        {%- do statements.append('msck repair table ' ~ schema ~ '.' ~ node.alias) -%}
      {%- endif -%}
      {%- do statements.append(
        'alter table ' ~ schema ~ '.' ~ node.alias ~ " set tblproperties ('gold.suspect_since'='" ~ since ~ "')"
      ) -%}
    {%- endfor -%}
    {%- do run_sql(statements) -%}
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
{% macro empty_trash() %}
  {%- for row in fetch('show partitions ' ~ trash_table()) -%}
    {%- set spec = "partition (folder='" ~ row.partition.split('=')[1] ~ "')" -%}
    {%- do run_sql([
      'alter table ' ~ trash_table() ~ ' ' ~ spec ~ ' set location ' ~ sql_text(gold_base() ~ '/audit/.trash'),
      'alter table ' ~ trash_table() ~ ' drop if exists ' ~ spec,
    ]) -%}
  {%- endfor -%}
{% endmacro %}

{# Spark writes into .spark-staging-* or _temporary beside the data, and nobody cleans them after a kill. No listing
   shows them, but a pattern finds them, also where they hold no file yet: EXPLAIN names what it matched. A pattern
   that matches nothing is an error, so one folder is made for it. #}
{% macro delete_staging_folders() %}
  {%- set folders = [gold_base() ~ '/audit/.trash'] -%}
  {%- set pattern = gold_base() ~ '/{audit/.trash,*/*/.spark-staging-*,*/*/_temporary}' -%}
  {%- do run_sql([
    add_to_trash_sql(folders),
    'create or replace temporary view staging_folders using binaryFile options (path ' ~ sql_text(pattern)
    ~ ', recursiveFileLookup true)',
    'set spark.sql.maxMetadataStringLength = 1000000',
  ]) -%}
  {%- for row in fetch('explain select path from staging_folders') -%}
    {%- for path in modules.re.split('[][]|, ', row.plan) if modules.re.search('/([.]spark-staging-[^/]*|_temporary)$', path) -%}
      {%- do folders.append(path) if path not in folders -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- do run_sql(['set spark.sql.maxMetadataStringLength = 100'] + delete_folders_sql(folders)) -%}
{% endmacro %}
