{# Brings a table without partitions up to date: a dimension of a few hundred rows, compared with what its SQL
   gives now, unless nothing that it is made of has changed since. Nothing is written when they agree, and missing
   rows are appended, so that no reader sees it empty; only changed or vanished rows cost an overwrite, for whose
   length Spark leaves the folder empty. #}
{% macro update_rows(relation, sql, table) %}
  {%- set done = {'checked': 1, 'rebuilt': 0, 'dropped': 0, 'rows_written': 0, 'files': 0, 'bytes': 0} -%}
  {%- set now = rows_version(relation, sql, table) -%}
  {%- do assert_contract(sql, table, now.types) -%}
  {%- if table.properties.get('gold.version') == now.version and not rebuild_requested() and not table.properties.get('gold.suspect_since') -%}
    {{- return(done) -}}
  {%- endif -%}
  {%- set columns = contract_columns() | map('first') | join(', ') -%}
  {#- A last line of comment ends where the line does. -#}
  {%- set subquery -%}
    (
    {{ sql }}
    )
  {%- endset -%}
  {%- set compared -%}
    select {{ columns }}, count_if(wanted) as wanted, count_if(not wanted) as found
    from (
      select {{ columns }}, true as wanted from {{ subquery }}
      union all
      select {{ columns }}, false as wanted from {{ relation }}
    )
    group by {{ columns }}
  {%- endset -%}
  {%- if not now.files -%}
    {%- set rows = {'missing': 'all'} -%}
  {%- elif table.properties.get('gold.suspect_since') == '0' -%}
    {#- A table made over files that are there, of columns that may have other types. -#}
    {%- set rows = {'vanished': 'all'} -%}
  {%- else -%}
    {%- set rows = fetch(
      'select count_if(wanted > found) as missing, count_if(wanted < found) as vanished from (' ~ compared ~ ')'
    )[0] -%}
  {%- endif -%}
  {%- if rows.missing or rows.vanished -%}
    {#- Appends leave small files; the twentieth is an overwrite. -#}
    {%- if rows.vanished or now.files >= 20 -%}
      {#- Computed before, so that the folder is empty no longer than writing a few rows takes. Not dropped before: where there
         is no such view, Spark would look for a table in the database `default`, where the role of deploy/ may not look. -#}
      {%- set view = relation.identifier ~ '__rows' -%}
      {%- do table.pending.extend([
        'create or replace temporary view ' ~ view ~ ' as select /*+ coalesce(1) */ ' ~ nullable_columns() ~ ' from ' ~ subquery,
        'cache table ' ~ view,
        'insert overwrite table ' ~ relation ~ ' select * from ' ~ view,
        'drop view ' ~ view,
      ]) -%}
    {%- else -%}
      {%- do table.pending.append(
        'insert into ' ~ relation ~ ' select /*+ coalesce(1) */ ' ~ nullable_columns() ~ ' from (' ~ compared ~ ') where wanted > found'
      ) -%}
    {%- endif -%}
    {%- set now = rows_version(relation, sql, table, inputs=now.inputs) -%}
    {%- set written = now.rows if rows.vanished or rows.missing == 'all' else rows.missing | int -%}
    {%- do done.update({'rebuilt': 1, 'rows_written': written, 'files': now.files, 'bytes': now.bytes}) -%}
  {%- endif -%}
  {%- do table.properties.update({'gold.version': now.version}) -%}
  {{- return(done) -}}
{% endmacro %}

{# The columns of the contract, as columns that may be NULL for all that Spark's optimizer can tell. Spark writes into a file
   whether they may be, and a reader that puts files together may ask for files that agree. #}
{% macro nullable_columns() %}
  {%- set columns = [] -%}
  {%- for name, _ in contract_columns() -%}
    {%- do columns.append('if(monotonically_increasing_id() >= 0, ' ~ name ~ ', null) as ' ~ name) -%}
  {%- endfor -%}
  {{- return(columns | join(', ')) -}}
{% endmacro %}

{# {inputs, version, files, bytes, rows, types}: a checksum of the Gold files that the model reads; of them, its SQL and the
   table's own files; how many these are; and the columns that the SQL gives (types_sql). Where the inputs are known already, only
   the table is looked at, and its rows are counted. #}
{% macro rows_version(relation, sql, table, inputs=none) %}
  {%- set query -%}
    select
        cast(bit_xor(if(own, null, file)) as string) as inputs,
        cast(bit_xor(if(own, file, null)) as string) as version,
        count_if(own) as files,
        coalesce(sum(if(own, file_size, 0)), 0) as bytes,
        {{ '(select count(*) from ' ~ relation ~ ')' if inputs else 0 }} as total,
        {{ types_sql(sql, table) }} as types
    from (
        select xxhash64(file_path, file_size, file_modified) as file, file_size, true as own from ({{ gold_files_sql(model) }})
        {%- for id in model.depends_on.nodes or [] if id in graph.nodes and not inputs %}
        union all
        select xxhash64(file_path, file_size, file_modified) as file, file_size, false as own
        from ({{ gold_files_sql(graph.nodes[id]) }})
        {%- endfor %}
    )
  {%- endset -%}
  {%- set row = fetch(query, table.pending)[0] -%}
  {%- set inputs = inputs or row.inputs or 'none' -%}
  {{- return({
    'inputs': inputs,
    'version': inputs ~ ' ' ~ (row.version or '') ~ ' ' ~ model_checksum(sql),
    'files': row.files | int,
    'bytes': row.bytes | int,
    'rows': row.total | int,
    'types': row.types,
  }) -}}
{% endmacro %}
