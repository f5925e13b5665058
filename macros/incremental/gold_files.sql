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

{# Statements that read what the files of tables hold into gold_files: a cache of facts about immutable files, which may be lost.
   Without it every run would open every file of Gold. tables: [[node, partitions], ...]. #}
{% macro remember_files_sql(tables) %}
  {%- set queries = [] -%}
  {%- for node, partitions in tables -%}
    {%- do queries.append(file_contents_sql(node, partitions)) -%}
  {%- endfor -%}
  {{- return(add_to_cache_sql('gold_files', tables | map('first') | map(attribute='name') | list, queries | join(' union all '))) -}}
{% endmacro %}

{# The contents of the files of some partitions; of all where there are many, or none is named. #}
{% macro file_contents_sql(node, partitions) %}
  {%- set pruned = partitions and '*' not in partitions and partitions | length <= var('partitions_per_statement') %}
  select
      _metadata.file_path,
      min(_metadata.file_size) as file_size,
      min(_metadata.file_modification_time) as file_modified,
      min({{ technical_column() }}) as source_version,
      count(*) as file_rows,
      '{{ node.name }}' as model
  from {{ target.schema }}.{{ node.alias }}
  {{ 'where ' ~ partition_column(node) ~ ' in (' ~ partition_literals(partitions, node) ~ ')' if pruned }}
  group by _metadata.file_path
{% endmacro %}

{# {partition: {version, written_rows, files, bytes}} of partitions, after the statements that write them. #}
{% macro written_partitions(partitions, pending) %}
  {%- set written = {} -%}
  {%- set query %}
    select
        regexp_extract(file_path, '/{{ partition_column() }}=([^/]*)/', 1) as p,
        cast(min(source_version) as string) as version,
        sum(file_rows) as written_rows,
        count(*) as files,
        sum(file_size) as bytes
    from ({{ file_contents_sql(model, partitions) }})
    group by 1
  {%- endset -%}
  {%- for row in fetch(query, pending) if row.p in partitions or '*' in partitions -%}
    {%- do written.update({row.p: {
      'version': row.version, 'written_rows': row.written_rows | int, 'files': row.files | int, 'bytes': row.bytes | int
    }}) -%}
  {%- endfor -%}
  {{- return(written) -}}
{% endmacro %}

{% macro gold_node(name) %}
  {{- return(graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | first) -}}
{% endmacro %}
