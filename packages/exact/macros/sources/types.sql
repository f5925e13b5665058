{# Reads the footers of these files, fifty in a statement, and remembers their types: facts about files that never change. Returns the
   statements that remember the last of them. #}
{% macro remember_types(sources, new) %}
  {%- set remembered = [] -%}
  {#- A file may hold `Name` beside `name`, of which nobody reads one. -#}
  {%- set pending = ['set spark.sql.caseSensitive = true'] -%}
  {%- for files in new | batch(50) -%}
    {%- if loop.index0 and not loop.index0 % 10 -%}
      {%- do log('Reading new source files: ' ~ loop.index0 * 50 ~ ' of ' ~ new | length, info=true) -%}
    {%- endif -%}
    {%- set footers = [] -%}
    {%- for file in files -%}
      {%- do footers.append(
        'select ' ~ loop.index0 ~ ' as i, typeof(first(struct(*))) as struct, count(*) as file_rows from parquet.`' ~ exact.literal_path(file.path) ~ '`'
      ) -%}
    {%- endfor -%}
    {%- set rows = [] -%}
    {%- for footer in exact.fetch(pending + [footers | join(' union all ')]) -%}
      {%- set file = files[footer.i | int] -%}
      {%- set columns = (sources | selectattr('name', 'equalto', file.source) | first).columns -%}
      {%- do rows.append(
        '(' ~ exact.sql_text(file.source) ~ ', ' ~ exact.sql_text(file.file_path) ~ ', ' ~ file.file_size
        ~ ", timestamp '" ~ file.modified ~ "', " ~ exact.sql_text(exact.used_types(columns, footer.struct, file.path)) ~ ', '
        ~ footer.file_rows ~ 'L)'
      ) -%}
    {%- endfor -%}
    {%- set pending = exact.add_facts_sql('file_types', loop.index, 'select * from values ' ~ rows | join(', ')) -%}
    {%- do remembered.clear() -%}
    {%- do remembered.extend(pending) -%}
  {%- endfor -%}
  {{- return(remembered + ['set spark.sql.caseSensitive = false']) -}}
{% endmacro %}

{# A path in which Spark sees no pattern. #}
{% macro literal_path(path) %}
  {%- set chars = [] -%}
  {%- for char in path -%}
    {%- do chars.append('[' ~ char ~ ']' if char in '{[*?' else ('``' if char == '`' else char)) -%}
  {%- endfor -%}
  {{- return(chars | join) -}}
{% endmacro %}

{# 'id string, at bigint, country folder': the types of the declared columns in one file. A column
   may stand in the folder's name instead (country=US), or nowhere, and is left out then. NULL columns without a type (void)
   are as good as left out.
   struct: Spark's struct<name:type,...>, from which nested types are cut before it is read. #}
{% macro used_types(columns, struct, path) %}
  {%- set flat = namespace(text=struct[7:-1]) -%}
  {%- for _ in range(struct.count('<') - 1) -%}
    {%- set flat.text = modules.re.sub('<[^<>]*>', '', flat.text) -%}
  {%- endfor -%}
  {%- set found = {} -%}
  {%- for name, type in modules.re.findall('(?:^|,)([^:,]+):([a-z_]+(?:[(][0-9]+,[0-9]+[)])?)', flat.text) -%}
    {%- if name | lower in columns and name | lower in found -%}
      {{- exceptions.raise_compiler_error(
        path ~ ' has two columns called ' ~ name | lower ~ ', in other letters. Spark cannot tell them apart: rename one, then run again.'
      ) -}}
    {%- endif -%}
    {%- do found.update({name | lower: type}) -%}
  {%- endfor -%}
  {%- set types = [] -%}
  {%- for column in columns -%}
    {%- if found.get(column) in ('struct', 'array', 'map') -%}
      {{- exceptions.raise_compiler_error(
        'Column ' ~ column ~ ' of ' ~ path ~ ' is nested (' ~ found[column] ~ '). Write it as a plain value.'
      ) -}}
    {%- elif found.get(column, 'void') != 'void' -%}
      {%- do types.append(column ~ ' ' ~ found[column]) -%}
    {%- elif '/' ~ column ~ '=' in path -%}
      {%- do types.append(column ~ ' folder') -%}
    {%- elif column in found -%}
      {%- do types.append(column ~ ' void') -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(types | join(', ') or 'no column') -}}
{% endmacro %}

{# {column: type} of such a text. #}
{% macro types_of(text) %}
  {%- set types = {} -%}
  {%- for item in text.split(', ') if text != 'no column' -%}
    {%- do types.update({item.split(' ')[0]: item.split(' ')[1]}) -%}
  {%- endfor -%}
  {{- return(types) -}}
{% endmacro %}
