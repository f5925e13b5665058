{# Statements that define a source: a table per group of files, and the view of text over all of
   them. The largest group is all files but those of the others. Lists of files are cut into
   pieces, a view each, so that no statement is longer than Glue takes. #}
{% macro source_view_sql(source, groups) %}
  {%- set view = exact.source_view(source) -%}
  {%- set statements = [] -%}
  {%- set pieces = [] -%}
  {%- for group in groups -%}
    {%- set in_files = [] -%}
    {%- for column, type in group.columns.items() if type not in ('folder', 'void') -%}
      {%- do in_files.append(column ~ ' ' ~ ('bigint' if type in ('number', 'nanos') else type)) -%}
    {%- endfor -%}
    {#- Days before 1582 and INT96 before 1900 are taken as they stand. Left to decide by itself, Spark
        fails at the first one in a file that does not say which calendar it was written by, as none
        but Spark's own do. -#}
    {%- set options = exact.parquet_files()
      ~ ", datetimeRebaseMode 'CORRECTED', int96RebaseMode 'CORRECTED'" -%}
    {%- set table = exact.file_table(source, 'as', in_files | join(', ') ~ options) -%}
    {%- do statements.extend(
      exact.file_table_sql(table, source, in_files | join(', ') or 'no_column string', 'parquet', options)
    ) -%}
    {%- set texts = [] -%}
    {%- for column in source.columns -%}
      {%- do texts.append(
        exact.first_of('as_text', source.names[column], group.columns) ~ ' as ' ~ column
      ) -%}
    {%- endfor -%}
    {%- for column in source.moments -%}
      {%- do texts.append(
        exact.first_of('as_moment', source.names[column], group.columns) ~ ' as ' ~ column ~ '__moment'
      ) -%}
    {%- endfor -%}
    {%- set select = 'select ' ~ texts | join(', ')
      ~ ', _metadata.file_path as file_path, _metadata.file_size as file_size,'
      ~ ' _metadata.file_modification_time as file_modified from ' ~ table -%}
    {%- if loop.first -%}
      {%- set others = groups[1:] | map(attribute='files') | sum(start=[]) -%}
      {%- set largest = namespace(select=select) -%}
      {%- for files in others | batch(100) -%}
        {%- set condition = 'file_path not in (' ~ exact.path_literals(files) ~ ')' -%}
        {%- if loop.first -%}
          {%- set largest.select = largest.select ~ ' where _metadata.' ~ condition -%}
        {%- else -%}
          {%- set piece = view ~ '__but_' ~ loop.index0 -%}
          {%- do statements.extend(exact.define_view_sql(piece, largest.select)) -%}
          {%- set largest.select = 'select * from ' ~ piece ~ ' where ' ~ condition -%}
        {%- endif -%}
      {%- endfor -%}
      {%- do pieces.append(largest.select) -%}
    {%- else -%}
      {%- for files in group.files | batch(100) -%}
        {%- do pieces.append(
          select ~ ' where _metadata.file_path in (' ~ exact.path_literals(files) ~ ')'
        ) -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if pieces | join | length > 40000 -%}
    {%- for piece in pieces -%}
      {%- do statements.extend(exact.define_view_sql(view ~ '__piece_' ~ loop.index0, piece)) -%}
    {%- endfor -%}
    {%- set names = [] -%}
    {%- for piece in pieces -%}
      {%- do names.append('select * from ' ~ view ~ '__piece_' ~ loop.index0) -%}
    {%- endfor -%}
    {%- set pieces = names -%}
  {%- endif -%}
  {{- return(
    statements + exact.define_view_sql(view, pieces | join(' union all '))
    + exact.define_view_sql(source.schema ~ '.' ~ source.table, 'select * from ' ~ view)
  ) -}}
{% endmacro %}

{# The view that tables are built from. Its name tells the folder: under the source's own name another
   run of the same catalog may define another Silver at any time, and a run at work would record that
   as its own. #}
{% macro source_view(source) %}{{- return(exact.file_table(source, 'of')) -}}{% endmacro %}

{# Statements that define a view, which is there all the time: Spark's `create or replace view` drops it
   first, under another run or an analyst who reads it (Spark 3.5 and 4.1, CreateViewCommand; no
   upstream issue found). #}
{% macro define_view_sql(view, select) %}
  {{- return([
    'create view if not exists ' ~ view ~ ' as select 1 as nothing',
    'alter view ' ~ view ~ ' as ' ~ select,
  ]) -}}
{% endmacro %}

{# SQL: what files hold in a column, by the macro as_text or as_moment, under the first of its names that is
   not NULL. types: {name in a file: type}. #}
{% macro first_of(as_what, names, types) %}
  {%- set found = [] -%}
  {%- for name in names if name == names[0] or name in types -%}
    {%- do found.append(exact[as_what](name, types.get(name))) -%}
  {%- endfor -%}
  {{- return('coalesce(' ~ found | join(', ') ~ ')' if found | length > 1 else found[0]) -}}
{% endmacro %}

{# SQL: the text that a file holds in a column of a type; the type is none where the column is
   missing. #}
{% macro as_text(column, type) %}
  {%- if not type or type == 'void' -%}
    {{- return('cast(null as string)') -}}
  {%- elif type == 'folder' -%}
    {#- A file's path is a URI, in which the folder's own escapes are escaped once more. -#}
    {%- set value = "url_decode(replace(regexp_extract(_metadata.file_path, '(?i)/"
      ~ column ~ "=([^/]*)/', 1), '+', '%2B'))" -%}
    {{- return('nullif(' ~ exact.unescaped_sql(value) ~ ", '__HIVE_DEFAULT_PARTITION__')") -}}
  {%- elif type == 'nanos' -%}
    {#- Before 1970 too, what is left of a microsecond is cut off below. -#}
    {{- return(
      'cast(timestamp_micros(' ~ column ~ ' div 1000 - if(' ~ column ~ ' % 1000 < 0, 1, 0)) as string)'
    ) -}}
  {%- endif -%}
  {{- return('cast(' ~ column ~ ' as string)') -}}
{% endmacro %}

{# SQL: the moment that a file holds in a column of a type, where that is a timestamp; NULL elsewhere.
   Formatting it as text and parsing it again costs a quarter of a table's time. #}
{% macro as_moment(column, type) %}
  {{- return(
    'cast(' ~ (column if type in ('timestamp', 'timestamp_ntz') else 'null') ~ ' as timestamp)'
  ) -}}
{% endmacro %}

{# How a source's files are read, for the version of what is made of them. #}
{% macro reading_rules(source) %}
  {%- set rules = [] -%}
  {%- for type in (none, 'folder', 'nanos', 'string') -%}
    {%- do rules.append(exact.as_text('x', type)) -%}
  {%- endfor -%}
  {{- return(rules + [source.in_files, exact.day_rules(source)]) -}}
{% endmacro %}
