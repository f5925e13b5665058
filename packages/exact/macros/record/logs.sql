{# The engine's own tables beside the others: the manifest, two of facts about source files, which
   are known by path, size and time of modification, and what each run did to each table, for people.
   All are logs. Rows are added, in a folder of their own each time, and never changed; any may be
   lost, and what is lost is found out again, but for run_metrics. No catalog keeps their partitions,
   so that every catalog sees the same. A log of many folders is put together in one (compact_sql). #}
{% macro logs() %}
  {%- set file = 'source string, file_path string, file_size bigint, file_modified timestamp, ' -%}
  {{- return({
    'manifest': exact.manifest_columns(),
    'file_types': file ~ 'rules string, types string, empty boolean',
    'file_days': file
      ~ 'rules string, true_until timestamp, day date, file_rows bigint, valid_moments bigint',
    'run_metrics': 'invocation_id string, run_started_at timestamp, model string,'
      ~ ' partitions_checked bigint, partitions_rebuilt bigint, partitions_dropped bigint,'
      ~ ' rows_written bigint, rows_left_out bigint, files bigint, bytes bigint, seconds double,'
      ~ ' reasons string',
  }) -}}
{% endmacro %}

{# People read one of them. #}
{% macro log_name(name) %}{{- return(name if name == 'run_metrics' else 'exact_' ~ name) -}}{% endmacro %}

{% macro log_table(name) %}{{- return(target.schema ~ '.' ~ exact.log_name(name)) -}}{% endmacro %}

{% macro log_location(name) %}{{- return(exact.engine_location() ~ '/' ~ name) -}}{% endmacro %}

{# [(name, type), ...] #}
{% macro log_columns(name) %}
  {{- return(modules.re.findall('([a-z_]+) ([a-z]+)', exact.logs()[name])) -}}
{% endmacro %}

{# Statements that make them, as they are now. A table of an earlier version, with other columns or
   without folders, is made anew over the same files: what they lack is NULL. #}
{% macro create_logs_sql() %}
  {%- set statements = [] -%}
  {%- for name, columns in exact.logs().items() -%}
    {%- set found = exact.run_memory().tables.get(exact.log_name(name)) -%}
    {%- if found and not (
      found.of_folders and found.columns == exact.log_columns(name) | map('first') | list
    ) -%}
      {%- do statements.append('drop table ' ~ exact.log_table(name)) -%}
    {%- endif -%}
    {%- do statements.append(
      'create table if not exists ' ~ exact.log_table(name) ~ ' (' ~ columns
      ~ ') using parquet options (' ~ exact.files_that_may_go() ~ ') location '
      ~ exact.sql_text(exact.log_location(name))
    ) -%}
    {%- do statements.append('refresh table ' ~ exact.log_table(name)) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{# Adds the rows of a query, which has the log's columns in their order. part: what tells this
   folder from the others of the run. #}
{% macro append_sql(name, part, query) %}
  {%- set columns = exact.log_columns(name) -%}
  {%- set casts = [] -%}
  {%- for column, type in columns -%}
    {%- do casts.append('cast(' ~ column ~ ' as ' ~ type ~ ') as ' ~ column) -%}
  {%- endfor -%}
  {{- return(
    'insert overwrite directory ' ~ exact.sql_text(exact.log_part(name, part))
    ~ ' using parquet select /*+ coalesce(1) */ ' ~ casts | join(', ')
    ~ ' from (' ~ query ~ ') as added (' ~ columns | map('first') | join(', ') ~ ')'
  ) -}}
{% endmacro %}

{# Statements that add facts about source files. A run that writes nothing keeps them in a view of
   its own. #}
{% macro add_facts_sql(name, part, query) %}
  {%- if not exact.read_only() -%}
    {{- return([exact.append_sql(name, part, query), 'refresh table ' ~ exact.log_table(name)]) -}}
  {%- endif -%}
  {%- set view = name ~ '_' ~ part -%}
  {%- do exact.run_memory().facts.setdefault(name, []).append(view) -%}
  {{- return([
    'create or replace global temporary view ' ~ exact.temporary_name(view)
    ~ ' as select * from (' ~ query ~ ') as added ('
    ~ exact.log_columns(name) | map('first') | join(', ') ~ ')'
  ]) -}}
{% endmacro %}

{# SQL: the facts about source files. #}
{% macro facts_sql(name) %}
  {%- set selects = [] -%}
  {%- set tables = [exact.log_table(name)] -%}
  {%- for view in exact.run_memory().facts.get(name, []) -%}
    {%- do tables.append(exact.temporary(view)) -%}
  {%- endfor -%}
  {%- for table in tables -%}
    {%- do selects.append(
      'select ' ~ exact.log_columns(name) | map('first') | join(', ') ~ ' from ' ~ table
    ) -%}
  {%- endfor -%}
  {{- return('(' ~ selects | join(' union all ') ~ ')') -}}
{% endmacro %}

{% macro log_part(name, part) %}
  {{- return(exact.log_location(name) ~ '/' ~ invocation_id ~ '-' ~ part) -}}
{% endmacro %}

{# Statements that put a log together: what is of use goes into a new folder, and the folders that
   were there are deleted. A kill in between leaves some facts twice, which agree. #}
{% macro compact_sql(name, parts) %}
  {%- set folders = [] -%}
  {%- for part in parts -%}
    {%- do folders.append(exact.log_location(name) ~ '/' ~ part) -%}
  {%- endfor -%}
  {{- return(
    ['refresh table ' ~ exact.log_table(name), exact.append_sql(name, 'together', exact.useful_sql(name))]
    + exact.delete_folders_sql(folders)
  ) -}}
{% endmacro %}

{# Of the manifest the last fact on each partition, of facts about files those whose file is there, of
   runs those of the last run_metrics_days, or all. What an earlier version wrote beside the folders
   stays where it is. #}
{% macro useful_sql(name) %}
  {%- set columns = exact.log_columns(name) | map('first') | list -%}
  {%- if name == 'manifest' -%}
    {%- set query -%}
      select {{ columns | join(', ') }} from (
        select
          *,
          row_number() over (partition by model, partition order by recorded_at desc) as place,
          max_by(action, recorded_at) over (partition by model) as last_action
        from {{ exact.log_table(name) }}
      ) where place = 1 and code is not null and last_action != 'remove'
    {%- endset -%}
  {%- elif name == 'run_metrics' -%}
    {%- set days = exact.setting('run_metrics_days') | int -%}
    {%- set query -%}
      select distinct {{ columns | join(', ') }} from {{ exact.log_table(name) }}
      where _metadata.file_path not rlike '/{{ name }}/[^/]*$'
      {%- if days %} and run_started_at >= current_timestamp() - interval {{ days }} days{% endif %}
    {%- endset -%}
  {%- else -%}
    {%- set query -%}
      select distinct facts.{{ columns | join(', facts.') }} from {{ exact.log_table(name) }} as facts
      left semi join {{ exact.temporary('source_listing') }} as listed
        on facts.source = listed.source and facts.file_path = listed.file_path
        and facts.file_size = listed.file_size and facts.file_modified = listed.file_modified
    {%- endset -%}
  {%- endif -%}
  {{- return(query) -}}
{% endmacro %}
