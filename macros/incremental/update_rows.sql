{# Brings a table without partitions up to date: a dimension of a few hundred rows, compared with what its SQL
   gives now, unless nothing that it is made of has changed since. Nothing is written when they agree, and missing
   rows are appended, so that no reader sees it empty; only changed or vanished rows cost an overwrite, for whose
   length Spark leaves the folder empty. #}
{% macro update_rows(relation, sql, properties) %}
  {%- set done = {'checked': 1, 'rebuilt': 0, 'dropped': 0, 'rows_written': 0, 'files': 0, 'bytes': 0} -%}
  {%- set now = rows_version(sql) -%}
  {%- if properties.get('gold.version') == now.version and not rebuild_requested() and not properties.get('gold.suspect_since') -%}
    {{- return(done) -}}
  {%- endif -%}
  {%- do assert_contract(sql, properties) -%}
  {%- set columns = contract_columns() | map('first') | join(', ') -%}
  {%- set compared -%}
    select {{ columns }}, count_if(wanted) as wanted, count_if(not wanted) as found
    from (
      select {{ columns }}, true as wanted from ({{ sql }})
      union all
      select {{ columns }}, false as wanted from {{ relation }}
    )
    group by {{ columns }}
  {%- endset -%}
  {%- set rows = fetch(
    'select sum(wanted) as total, count_if(wanted > found) as missing, count_if(wanted < found) as vanished from (' ~ compared ~ ')'
  )[0] -%}
  {%- if rows.missing or rows.vanished -%}
    {#- Appends leave small files; the twentieth is an overwrite. -#}
    {%- if rows.vanished or now.files >= 20 -%}
      {#- Computed before, so that the folder is empty no longer than writing a few rows takes. -#}
      {%- set view = relation.identifier ~ '__rows' -%}
      {%- do run_sql([
        'drop view if exists ' ~ view,
        'cache table ' ~ view ~ ' as select /*+ coalesce(1) */ ' ~ nullable_columns() ~ ' from (' ~ sql ~ ')',
        'insert overwrite table ' ~ relation ~ ' select * from ' ~ view,
        'drop view ' ~ view,
      ]) -%}
      {%- do done.update({'rows_written': rows.total | int}) -%}
    {%- else -%}
      {%- do run_sql(
        'insert into ' ~ relation ~ ' select /*+ coalesce(1) */ ' ~ nullable_columns() ~ ' from (' ~ compared ~ ') where wanted > found'
      ) -%}
      {%- do done.update({'rows_written': rows.missing | int}) -%}
    {%- endif -%}
    {%- set now = rows_version(sql) -%}
    {%- do done.update({'rebuilt': 1, 'files': now.files, 'bytes': now.bytes}) -%}
  {%- endif -%}
  {%- do properties.update({'gold.version': now.version}) -%}
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

{# {version, files, bytes}: a checksum of the model's SQL, the Gold files that it reads, and the table's own; and
   how many these are. #}
{% macro rows_version(sql) %}
  {%- set query -%}
    select
        cast(bit_xor(xxhash64(file_path, file_size, file_modified)) as string) as version,
        count_if(own) as files,
        coalesce(sum(if(own, file_size, 0)), 0) as bytes
    from (
        select file_path, file_size, file_modified, true as own from ({{ gold_files_sql(model) }})
        {%- for id in model.depends_on.nodes or [] if id in graph.nodes %}
        union all
        select file_path, file_size, file_modified, false as own from ({{ gold_files_sql(graph.nodes[id]) }})
        {%- endfor %}
    )
  {%- endset -%}
  {%- set row = fetch(query)[0] -%}
  {{- return({
    'version': (row.version or '') ~ ' ' ~ model_checksum(sql), 'files': row.files | int, 'bytes': row.bytes | int
  }) -}}
{% endmacro %}
