{# Brings a table without partitions up to date: a dimension of a few hundred rows, compared with what its SQL
   gives now. Nothing is written when they agree, and missing rows are appended, so that no reader sees it
   empty; only changed or vanished rows cost an overwrite, for whose length Spark leaves the folder empty. #}
{% macro update_rows(relation, sql) %}
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
  {%- set done = {'checked': 1, 'rebuilt': 0, 'dropped': 0, 'rows_written': 0, 'files': 0, 'bytes': 0} -%}
  {%- if row.changes -%}
    {%- do assert_contract(sql) -%}
    {#- Appends leave small files; the twentieth is an overwrite. -#}
    {%- if row.vanished or row.files >= 20 -%}
      {%- do run_sql('insert overwrite table ' ~ relation ~ ' select /*+ coalesce(1) */ ' ~ columns ~ ' from (' ~ sql ~ ')') -%}
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
  {%- endif -%}
  {{- return(done) -}}
{% endmacro %}
