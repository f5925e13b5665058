{# The files of a Gold table, with the partition that each lies in: listed, not opened, which takes a tenth of the time. #}
{% macro gold_files_sql(node) %}
  {%- set column = (node.config.partition_by or [none])[0] %}
  select
      {%- if column %}
      regexp_extract(path, '/{{ column }}=([^/]*)/', 1) as p,
      cast(regexp_extract(path, '/{{ column }}=([^/]*)/', 1) as {{ node.columns[column].data_type }}) as {{ column }},
      {%- endif %}
      _metadata.file_path as file_path,
      length as file_size,
      modificationTime as file_modified
  from binaryFile.`{{ gold_location(node) }}`
{% endmacro %}

{# And what they hold, the fingerprint and the number of rows, as remembered from when they were written; NULL for a
   file that is not. #}
{% macro known_files_sql(node) %}
  select
      listed.*,
      known.source_version,
      known.file_rows
  from ({{ gold_files_sql(node) }}) as listed
  left join {{ cache_table('gold_files') }} as known
      on
          known.model = '{{ node.name }}'
          and listed.file_path = known.file_path
          and listed.file_size = known.file_size
          and listed.file_modified = known.file_modified
{% endmacro %}

{# Reads what the files of some partitions hold, or all files of the table, into gold_files: a cache of facts
   about immutable files, which may be lost. Without it every run would open every file of Gold. #}
{% macro remember_files(relation, partitions=[]) %}
  {%- set pruned = partitions and '*' not in partitions and partitions | length <= var('partitions_per_statement') -%}
  {%- set query %}
    select
        _metadata.file_path,
        min(_metadata.file_size),
        min(_metadata.file_modification_time),
        min({{ technical_column() }}),
        count(*),
        '{{ model.name }}'
    from {{ relation }}
    {{ 'where ' ~ partition_column() ~ ' in (' ~ partition_literals(partitions) ~ ')' if pruned }}
    group by 1
  {%- endset -%}
  {%- do add_to_cache('gold_files', [model.name], query) -%}
{% endmacro %}

{# {partition: {version, written_rows, files, bytes}} of partitions just written. #}
{% macro written_partitions(relation, partitions) %}
  {%- do remember_files(relation, partitions) -%}
  {%- set written = {} -%}
  {%- set query %}
    select
        p,
        cast(min(source_version) as string) as version,
        sum(file_rows) as written_rows,
        count(*) as files,
        sum(file_size) as bytes
    from ({{ known_files_sql(model) }})
    group by p
  {%- endset -%}
  {%- for row in fetch(query) if row.p in partitions or '*' in partitions -%}
    {%- do written.update({row.p: {
      'version': row.version, 'written_rows': row.written_rows | int, 'files': row.files | int, 'bytes': row.bytes | int
    }}) -%}
  {%- endfor -%}
  {{- return(written) -}}
{% endmacro %}

{% macro gold_node(name) %}
  {{- return(graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | first) -}}
{% endmacro %}
