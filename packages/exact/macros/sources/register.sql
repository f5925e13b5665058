{# Registers sources as views of text over their files, whatever these hold.

   Spark reads a folder with one schema, and refuses files that disagree (CANNOT_MERGE_SCHEMAS: a
   column that is all NULL was written as void, an int became a double). So files are grouped by
   the types of the declared columns; each group is a table over the same folder, and the source
   is a view of their union as text, with each row's file.

   Runs the statements in before; returns those that define the views. Reads the footers of files
   that were not seen before. #}
{% macro register_sources(sources, before) %}
  {%- set groups = exact.file_groups(sources, before + exact.list_sources_sql(sources)) -%}
  {%- set new = groups | map(attribute='new') | sum(start=[]) -%}
  {%- if new -%}
    {%- set empty = exact.empty_files(sources, new) -%}
    {%- set groups = exact.file_groups(sources, exact.remember_types(sources, new, empty)) -%}
  {%- endif -%}
  {%- set merged = {} -%}
  {%- for source in sources -%}
    {%- do merged.update(
      {source.name: exact.merged_groups(groups | selectattr('source', 'equalto', source.name) | list)}
    ) -%}
  {%- endfor -%}
  {%- do exact.name_files(merged) -%}
  {%- set statements = [] -%}
  {%- for source in sources -%}
    {%- do statements.extend(exact.source_view_sql(source, merged[source.name])) -%}
  {%- endfor -%}
  {%- set days = exact.remember_days_sql(sources, groups) -%}
  {%- do exact.run_memory().update({'days_read': days | length > 0}) -%}
  {{- return(statements + days) -}}
{% endmacro %}

{# Statements that make a table over the files of a source as they are now. Spark keeps a listing for
   as long as its session lives, so it is refreshed. #}
{% macro file_table_sql(table, source, columns, format, options='') %}
  {{- return([
    'create table if not exists ' ~ table ~ ' (' ~ columns ~ ') using ' ~ format
    ~ ' options (recursiveFileLookup true' ~ options ~ ') location ' ~ exact.sql_text(source.location),
    'refresh table ' ~ table,
  ]) -}}
{% endmacro %}

{# The name of such a table. It tells the folder and what else the table was made with, so that tables
   stay when those change: one that is there keeps its columns and options. #}
{% macro file_table(source, purpose, made_with='') %}
  {{- return(
    source.schema ~ '.' ~ source.table ~ '__' ~ purpose ~ '_' ~ local_md5(source.location ~ made_with)[:8]
  ) -}}
{% endmacro %}

{# The table that lists a source's files: path, length, modificationTime, and content for who
   asks. #}
{% macro listing_table(source) %}{{- return(exact.file_table(source, 'listing')) -}}{% endmacro %}

{# Statements that list all sources once: the view source_listing. Its times are those of the listing, as they
   are where rows are read: the column modificationTime asks the storage for each file once more, and
   some, such as MinIO, then answer in whole seconds. #}
{% macro list_sources_sql(sources) %}
  {%- set statements = [exact.forget_sql('source_listing')] -%}
  {%- set selects = [] -%}
  {%- for source in sources -%}
    {%- do statements.extend(exact.file_table_sql(
      exact.listing_table(source), source,
      'path string, modificationTime timestamp, length bigint, content binary', 'binaryFile'
    )) -%}
    {%- do selects.append(
      "select '" ~ source.name ~ "' as source, path, _metadata.file_path as file_path,"
      ~ ' _metadata.file_size as file_size, _metadata.file_modification_time as file_modified'
      ~ ' from ' ~ exact.listing_table(source)
    ) -%}
  {%- endfor -%}
  {{- return(statements + exact.keep_sql('source_listing', selects | join(' union all '))) -}}
{% endmacro %}

{# [{source, types, file_count, new, days_unknown}]: the files of each source by their types, the
   largest group first. new are files that were not seen before, whose types are none;
   days_unknown the paths of those whose days are not known. Each source has a file, or it is an
   error. #}
{% macro file_groups(sources, before) %}
  {%- set key = 'source, file_path, file_size, file_modified' -%}
  {%- set query %}
    select
        source,
        types,
        current_timezone() as zone,
        count(*) as file_count,
        to_json(collect_list(if(
            types is null and counts,
            struct(source, path, file_path, file_size, cast(file_modified as string) as modified),
            null
        ))) as new,
        to_json(collect_list(if(days_known or not counts, null, file_path))) as days_unknown,
        if(counts, null, min(path)) as ignored
    from (
        select
            {{ key }},
            max(path) as path,
            max(types) as types,
            coalesce(max(days_known), false) as days_known,
            lower(max(path)) like '%.parquet' as counts
        from (
            select {{ key }}, path, cast(null as string) as types, cast(null as boolean) as days_known
            from {{ exact.temporary('source_listing') }}
            union all
            select {{ key }}, null as path, types, if(empty, true, null) as days_known
            from {{ exact.known_types_sql() }}
            union all
            select {{ key }}, null as path, null as types, true as days_known
            from {{ exact.facts_sql('file_days') }}
            where {{ exact.day_is_known() }}
        )
        group by {{ key }}
    )
    where path is not null
    group by source, types, counts
    order by source, file_count desc, types
  {%- endset -%}
  {%- set groups = [] -%}
  {%- set rows = exact.fetch(before + [query]) -%}
  {%- do exact.check_zone(rows[0].zone) if rows -%}
  {%- for row in rows -%}
    {%- if row.ignored -%}
      {%- do log(
        row.source ~ ' ignores ' ~ row.file_count ~ ' files that are not called *.parquet, such as '
        ~ row.ignored, info=true
      ) -%}
    {%- else -%}
      {%- do groups.append(dict(row, new=fromjson(row.new), days_unknown=fromjson(row.days_unknown))) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for source in sources if source.name not in groups | map(attribute='source') -%}
    {{- exceptions.raise_compiler_error(
      'No parquet file in ' ~ source.location ~ '. Point the source ' ~ source.name
      ~ ' at the folder of its files; an empty dataset is a parquet file without rows.'
    ) -}}
  {%- endfor -%}
  {{- return(groups) -}}
{% endmacro %}

{# Groups of one source that can be read with one schema: [{columns: {column: type}, all_types,
   files}]. A group joins a larger one where no column differs: what one of them lacks is NULL in
   its files. #}
{% macro merged_groups(groups) %}
  {%- set merged = [] -%}
  {%- for group in groups -%}
    {%- set types = exact.types_of(group.types) -%}
    {%- set fitting = namespace(group=none) -%}
    {%- for other in merged if fitting.group is none and exact.types_agree(types, other.columns) -%}
      {%- set fitting.group = other -%}
    {%- endfor -%}
    {%- if fitting.group is none -%}
      {%- do merged.append({'columns': types, 'all_types': [group.types], 'files': []}) -%}
    {%- else -%}
      {%- do fitting.group.columns.update(types) -%}
      {%- do fitting.group.all_types.append(group.types) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(merged) -}}
{% endmacro %}

{# A column that one file has, and another has in its folder's name or without a type, cannot be
   read from both in one way. #}
{% macro types_agree(left, right) %}
  {%- for column in dict(left, **right) -%}
    {%- set pair = [left.get(column), right.get(column)] -%}
    {%- if pair[0] != pair[1] and (none not in pair or 'folder' in pair or 'void' in pair) -%}
      {{- return(false) -}}
    {%- endif -%}
  {%- endfor -%}
  {{- return(true) -}}
{% endmacro %}

{# Fills in the paths of all files but those of the largest group of each source. #}
{% macro name_files(merged) %}
  {%- set wanted = [] -%}
  {%- for source, groups in merged.items() -%}
    {%- for group in groups[1:] -%}
      {%- for types in group.all_types -%}
        {%- do wanted.append("(types.source = '" ~ source ~ "' and types.types = '" ~ types ~ "')") -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set query %}
    select types.source, types.types, to_json(collect_set(listed.file_path)) as files
    from {{ exact.known_types_sql() }} as types
    inner join {{ exact.temporary('source_listing') }} as listed
        on types.source = listed.source and types.file_path = listed.file_path
        and types.file_size = listed.file_size and types.file_modified = listed.file_modified
    where {{ wanted | join(' or ') }}
    group by types.source, types.types
  {%- endset -%}
  {%- for row in (exact.fetch([query]) if wanted else []) -%}
    {%- for group in merged[row.source][1:] if row.types in group.all_types -%}
      {%- do group.files.extend(fromjson(row.files)) -%}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}
