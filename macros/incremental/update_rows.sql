{# Brings a table without partitions up to date: a dimension of a few hundred rows, compared with what its SQL
   gives now, unless nothing that it is made of has changed since. Nothing is written when they agree, and missing
   rows are appended, so that no reader sees it empty; only changed or vanished rows cost an overwrite, for whose
   length Spark leaves the folder empty. #}
{% macro update_rows(relation, sql, properties) %}
  {%- set done = {'checked': 1, 'rebuilt': 0, 'dropped': 0, 'rows_written': 0, 'files': 0, 'bytes': 0} -%}
  {%- set version = rows_version(relation, sql) -%}
  {%- if properties.get('gold.version') == version and not rebuild_requested() and not properties.get('gold.suspect_since') -%}
    {{- return(done) -}}
  {%- endif -%}
  {%- set columns = contract_columns() | map('first') | join(', ') -%}
  {%- set difference -%}
    select {{ columns }}, sum(side) as side
    from (
      select {{ columns }}, 1 as side from ({{ sql }})
      union all
      select {{ columns }}, -1 as side from {{ relation }}
    )
    group by {{ columns }}
    having sum(side) != 0
  {%- endset -%}
  {%- set row = fetch(
    'select count(*) as changes, count_if(side < 0) as vanished, count_if(side > 0) as missing,'
    ~ ' (select count(distinct _metadata.file_path) from ' ~ relation ~ ') as files from (' ~ difference ~ ')'
  )[0] -%}
  {%- if row.changes -%}
    {%- do assert_contract(sql) -%}
    {#- Appends leave small files; the twentieth is an overwrite. -#}
    {%- if row.vanished or row.files >= 20 -%}
      {#- Computed before, so that the folder is empty no longer than writing a few rows takes. -#}
      {%- set rows = relation.identifier ~ '__rows' -%}
      {%- do run_sql('drop view if exists ' ~ rows) -%}
      {%- do run_sql('cache table ' ~ rows ~ ' as select /*+ coalesce(1) */ ' ~ columns ~ ' from (' ~ sql ~ ')') -%}
      {%- do run_sql('insert overwrite table ' ~ relation ~ ' select * from ' ~ rows) -%}
      {%- do run_sql('drop view ' ~ rows) -%}
    {%- else -%}
      {%- do run_sql('insert into ' ~ relation ~ ' select /*+ coalesce(1) */ ' ~ columns ~ ' from (' ~ difference ~ ')') -%}
    {%- endif -%}
    {%- set now = fetch(
      'select count(*) as files, sum(file_size) as bytes, sum(file_rows) as total from (select _metadata.file_path,'
      ~ ' _metadata.file_size as file_size, count(*) as file_rows from ' ~ relation ~ ' group by 1, 2)'
    )[0] -%}
    {%- do done.update({
      'rebuilt': 1, 'rows_written': (now.total if row.vanished or row.files >= 20 else row.missing) | int,
      'files': now.files | int, 'bytes': now.bytes | int
    }) -%}
    {%- set version = rows_version(relation, sql) -%}
  {%- endif -%}
  {%- do properties.update({'gold.version': version}) -%}
  {{- return(done) -}}
{% endmacro %}

{# A checksum of the model's SQL, the Gold files that it reads, and the table's own. #}
{% macro rows_version(relation, sql) %}
  {%- set query -%}
    select cast(bit_xor(xxhash64(file_path, file_size, file_modified)) as string) as version
    from (
        select distinct
            _metadata.file_path as file_path,
            _metadata.file_size as file_size,
            _metadata.file_modification_time as file_modified
        from {{ relation }}
        {%- for id in model.depends_on.nodes or [] if id in graph.nodes %}
        union all
        select file_path, file_size, file_modified from ({{ gold_files_sql(graph.nodes[id]) }})
        {%- endfor %}
    )
  {%- endset -%}
  {{- return((fetch(query)[0].version or '') ~ ' ' ~ model_checksum(sql)) -}}
{% endmacro %}
