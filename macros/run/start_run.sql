{# on-run-start: registers Silver, and mends what an interrupted run left. Nothing while parsing or for
   commands that only read the project. #}
{% macro start_run() %}
  {%- if execute and flags.WHICH in ('run', 'build', 'test', 'seed', 'snapshot') -%}
    {%- set pending = old_days_sql() + ['create database if not exists ' ~ target.schema, create_trash_sql()] -%}
    {%- if flags.WHICH in ('run', 'build', 'seed') -%}
      {%- set tables = gold_tables(pending) -%}
      {%- if flags.WHICH == 'run' -%}
        {%- do assert_seeded(tables) -%}
      {%- endif -%}
      {%- do mend_interrupted_run(tables, pending) -%}
      {#- The only place where a hook can leave something for the models of its run. -#}
      {%- do graph.update({'gold_tables': tables}) -%}
    {%- endif -%}
    {%- if flags.WHICH == 'seed' -%}
      {%- do run_pending(pending) -%}
    {%- else -%}
      {%- do register_silver(pending) -%}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}

{# What it takes to have days before 1900 in Gold, where earliest_date lets them in: Spark fails at writing them, unless told which
   calendar they are in, and Hive's metastore knows no partition of 1582-10-05 to 1582-10-14, so that Spark has to look for it. #}
{% macro old_days_sql() %}
  {{- return([
    'set spark.sql.parquet.datetimeRebaseModeInWrite = CORRECTED',
    'set spark.sql.hive.metastorePartitionPruningFallbackOnException = true',
  ]) -}}
{% endmacro %}

{# {table: {property: value}}: the project's tables that are there, with the properties that it keeps in the catalog. #}
{% macro gold_tables(pending) %}
  {%- set names = ['trash'] -%}
  {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed') -%}
    {%- do names.append(node.alias) -%}
  {%- endfor -%}
  {%- set tables = {} -%}
  {%- for row in fetch('show table extended in ' ~ target.schema ~ " like '" ~ names | join('|') ~ "'", pending) -%}
    {%- set properties = {} -%}
    {%- for name, value in modules.re.findall('(gold[.][a-z_]+)=([^],]*)', row.information) -%}
      {%- do properties.update({name: value}) -%}
    {%- endfor -%}
    {%- do tables.update({row.tablename: properties}) -%}
  {%- endfor -%}
  {{- return(tables) -}}
{% endmacro %}

{# dbt run does not load seeds; without them dimensions fail one by one, halfway. #}
{% macro assert_seeded(tables) %}
  {%- for node in graph.nodes.values() if node.resource_type == 'seed' and node.package_name == project_name and node.alias not in tables -%}
    {{- exceptions.raise_compiler_error(
      'The seed ' ~ node.alias ~ ' is not loaded in ' ~ target.schema ~ '. Run `dbt seed` once, or `dbt build`, which does it.'
    ) -}}
  {%- endfor -%}
{% endmacro %}

{# A run notes its start, as a property of the table `trash`, and takes it out when it ended well. Found there at
   the next start, it means that a run was killed or failed: some partitions may be new, some old, some known
   to the folder but not to the catalog, and Spark's staging folders may be left behind. #}
{% macro mend_interrupted_run(tables, pending) %}
  {%- set schema = target.schema -%}
  {%- set since = tables.trash.get('gold.unfinished_since') -%}
  {%- if since -%}
    {%- do log('The last run did not end well: taking its leftovers into account.', info=true) -%}
    {%- do empty_trash() -%}
    {%- do delete_staging_folders() -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed') and node.alias in tables -%}
      {%- if node.config.get('partition_by') -%}
        {%- do pending.append('msck repair table ' ~ schema ~ '.' ~ node.alias) -%}
      {%- endif -%}
      {#- What an earlier run left may not have been looked at since. -#}
      {%- set suspect = [since | int, (tables[node.alias].get('gold.suspect_since') or since) | int] | min | string -%}
      {%- do pending.append(
        'alter table ' ~ schema ~ '.' ~ node.alias ~ " set tblproperties ('gold.suspect_since'='" ~ suspect ~ "')"
      ) -%}
      {%- do tables[node.alias].update({'gold.suspect_since': suspect}) -%}
    {%- endfor -%}
  {%- else -%}
    {%- set since = (modules.datetime.datetime.now().timestamp() | int) - 60 -%}
  {%- endif -%}
  {%- do pending.append(mark_run_sql(since)) -%}
{% endmacro %}

{% macro mark_run_sql(since) %}
  {{- return('alter table ' ~ trash_table() ~ " set tblproperties ('gold.unfinished_since'='" ~ since ~ "')") -}}
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
    {#- What follows GOLD_BASE, in which a comma may stand. -#}
    {%- for path in row.plan.split(gold_base().split('://')[-1] ~ '/') -%}
      {%- set found = modules.re.match('[^/,]+/[^/,]+/([.]spark-staging-[^],/]+|_temporary)', path) -%}
      {%- set folder = gold_base() ~ '/' ~ found.group(0) if found -%}
      {%- do folders.append(folder) if found and folder not in folders -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- do run_sql(['set spark.sql.maxMetadataStringLength = 100'] + delete_folders_sql(folders)) -%}
{% endmacro %}
