{# Reads the footers of these files, a hundred in a statement, and remembers their types: facts about
   files that never change. Returns the statements that remember the last of them. empty: the
   paths of those that have no rows. #}
{% macro remember_types(sources, new, empty) %}
  {%- set empty = dict(zip(empty, empty)) -%}
  {%- set waiting = [] -%}
  {%- for files in new | batch(100) -%}
    {%- if loop.index0 and not loop.index0 % 10 -%}
      {%- do log('Reading new source files: ' ~ loop.index0 * 100 ~ ' of ' ~ new | length, info=true) -%}
    {%- endif -%}
    {%- set types = exact.read_types(sources, files, waiting) -%}
    {%- set rows = [] -%}
    {%- for file in files -%}
      {%- do rows.append(
        '(' ~ exact.sql_text(file.source) ~ ', ' ~ exact.sql_text(file.file_path) ~ ', ' ~ file.file_size
        ~ ", timestamp '" ~ file.modified ~ "', '"
        ~ exact.type_rules(sources | selectattr('name', 'equalto', file.source) | first) ~ "', "
        ~ exact.sql_text(types[file.path])
        ~ ', ' ~ (file.path in empty) | lower ~ ')'
      ) -%}
    {%- endfor -%}
    {%- do waiting.clear() -%}
    {%- do waiting.extend(
      exact.add_facts_sql('file_types', loop.index, 'select * from values ' ~ rows | join(', '))
    ) -%}
  {%- endfor -%}
  {{- return(waiting + ['set spark.sql.caseSensitive = false']) -}}
{% endmacro %}

{# What the types to remember depend on, apart from the file. #}
{% macro type_rules(source) %}
  {{- return(local_md5(tojson([source.in_files, source.moments_in_files]))[:8]) -}}
{% endmacro %}

{# SQL: the remembered types that hold for the sources as they are declared now. #}
{% macro known_types_sql() %}
  {%- set rules = [] -%}
  {%- for source in exact.engine_sources() -%}
    {%- do rules.append("(source = '" ~ source.name ~ "' and rules = '" ~ exact.type_rules(source) ~ "')") -%}
  {%- endfor -%}
  {{- return('(select * from ' ~ exact.facts_sql('file_types') ~ ' where ' ~ rules | join(' or ') ~ ')') -}}
{% endmacro %}

{# {path: types} of a few files. Runs the statements in before. #}
{% macro read_types(sources, files, before) %}
  {%- set structs = {} -%}
  {%- set waiting = before | list -%}
  {%- for source in sources -%}
    {%- set own = files | selectattr('source', 'equalto', source.name) | list -%}
    {#- Fewer do not repay statements of their own. -#}
    {%- if own | length >= 5 -%}
      {%- set struct = exact.common_struct(source, own, waiting) -%}
      {%- do waiting.clear() -%}
      {%- for file in own if struct -%}
        {%- do structs.update({file.path: struct}) -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set rest = files | rejectattr('path', 'in', structs) | list -%}
  {%- for some in rest | batch(50) -%}
    {%- do structs.update(exact.readable_structs(some, waiting)) -%}
    {%- do waiting.clear() -%}
  {%- endfor -%}
  {%- set types = {} -%}
  {%- for file in files -%}
    {%- set source = sources | selectattr('name', 'equalto', file.source) | first -%}
    {%- do types.update({
      file.path: exact.used_types(
        source.in_files, source.moments_in_files, structs[file.path], file.path
      ),
    }) -%}
  {%- endfor -%}
  {%- do exact.run_statements(waiting) -%}
  {%- for path in exact.with_nanoseconds(sources, files, types) -%}
    {%- do types.update({path: types[path] | replace(' number', ' nanos')}) -%}
  {%- endfor -%}
  {{- return(types) -}}
{% endmacro %}

{# 'struct<name:type,...>' by which all of these files of a source can be read; nothing where each
   has to be looked at by itself. Spark reads footers one by one where it is asked for each file's
   types, at 50 ms a file, and all at once where it is to merge them; then it refuses files that
   disagree, and a column that a file lacks is NULL there. It would say of decimals of several
   lengths, and of columns without a type, that they agree. A column that stands in a folder's name
   must not be looked for in the file. And a pattern passes over a file that it does not match, as
   it would one with a backslash in its name. #}
{% macro common_struct(source, files, before) %}
  {%- set folder = exact.plain_path(source.location) ~ '/' -%}
  {%- set prefix = files[0].path.split(folder)[0] ~ folder -%}
  {%- set names = [] -%}
  {%- for file in files if file.path.startswith(prefix) and '%c' | format(92) not in file.path -%}
    {%- do names.append(exact.literal_path(file.path[prefix | length:]) | replace(',', '?')) -%}
  {%- endfor -%}
  {%- set plan = exact.fetch(before + [
    'set spark.sql.caseSensitive = true',
    'set spark.sql.parquet.mergeSchema = true',
    "explain select concat('|', typeof(struct(f.*)), '|') as found from (select 1) left join parquet.`"
      ~ exact.literal_path(prefix) ~ '{' ~ names | join(',') ~ '}` as f on false',
  ])[0].plan -%}
  {%- do exact.run_statements(['reset spark.sql.parquet.mergeSchema']) -%}
  {%- set struct = modules.re.findall('[|]struct<([^<>|]+)>[|]', plan) | first | default('', true) -%}
  {%- set found = modules.re.findall('(?:^|,)([^:,]+):', struct) | map('lower') | list -%}
  {%- set alone = namespace(yes=names | length < files | length or not found
    or found | unique | list | length < found | length or 'decimal(' in struct or 'void' in struct) -%}
  {%- for column in source.in_files if column in found -%}
    {%- for file in files if '/' ~ column ~ '=' in file.path | lower -%}
      {%- set alone.yes = true -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return('' if alone.yes else 'struct<' ~ struct ~ '>') -}}
{% endmacro %}

{# {path: 'struct<name:type,...>'} of a few files. Stops at a column of a type that Spark does not
   have, be it a column that nobody uses: Spark's own error names neither file nor column. #}
{% macro readable_structs(files, before) %}
  {%- set structs = exact.read_structs(files, before) -%}
  {%- set refused = files | map(attribute='path') | reject('in', structs) | list -%}
  {%- if refused -%}
    {{- exceptions.raise_compiler_error(
      refused | join(', ') ~ ': Spark cannot read a column, such as a time of day, a float of 16 bits or'
      ~ ' a decimal of more than 38 digits. Write that column as text, or leave it out.'
    ) -}}
  {%- endif -%}
  {{- return(structs) -}}
{% endmacro %}

{# {path: 'struct<name:type,...>'} of a few files; without those that have a type unknown to Spark.
   Spark looks at a footer while it plans, so EXPLAIN has the answer; and where a query would fail,
   which nothing here could catch, EXPLAIN says so in text. It is asked of all files at once, and
   only after that of each. #}
{% macro read_structs(files, before) %}
  {%- set queries = [] -%}
  {%- for file in files -%}
    {%- do queries.append(
      "select concat('|" ~ loop.index0 ~ "|', typeof(struct(f.*)), '|" ~ loop.index0 ~ "|') as found"
      ~ ' from (select 1) left join parquet.`' ~ exact.literal_path(file.path) ~ '` as f on false'
    ) -%}
  {%- endfor -%}
  {#- A file may hold `Name` beside `name`, of which nobody reads one. -#}
  {%- set plan = exact.fetch(
    before + ['set spark.sql.caseSensitive = true', 'explain ' ~ queries | join(' union all ')]
  )[0].plan -%}
  {%- set structs = {} -%}
  {%- for number, struct in modules.re.findall('(?s)[|]([0-9]+)[|](struct<.*?>)[|][0-9]+[|]', plan) -%}
    {%- do structs.update({files[number | int].path: struct}) -%}
  {%- endfor -%}
  {%- if structs | length < files | length and files | length > 1 -%}
    {%- do structs.clear() -%}
    {%- for file in files -%}
      {%- do structs.update(exact.read_structs([file], [])) -%}
    {%- endfor -%}
  {%- endif -%}
  {{- return(structs) -}}
{% endmacro %}

{# A path for Spark, which reads it as a pattern. Hadoop knows no way to quote what has a meaning
   in one; `?` stands for any character, and so for these too. #}
{% macro literal_path(path) %}
  {{- return(modules.re.sub('[][{}*?]', '?', path) | replace('`', '``')) -}}
{% endmacro %}

{# 'id string, at number, country folder': the types of the declared columns in one file, by their names
   there. A column may stand in the folder's name instead (country=US), or nowhere, and is left out
   then. NULL columns without a type (void) are as good as left out. A moment that is a bigint is a
   number, until with_nanoseconds has looked. struct: Spark's struct<name:type,...>, from which nested
   types are cut before it is read. #}
{% macro used_types(columns, moments, struct, path) %}
  {%- set flat = namespace(text=struct[7:-1]) -%}
  {%- for _ in range(struct.count('<') - 1) -%}
    {%- set flat.text = modules.re.sub('<[^<>]*>', '', flat.text) -%}
  {%- endfor -%}
  {%- set found = {} -%}
  {%- for name, type in modules.re.findall('(?:^|,)([^:,]+):([a-z_]+(?:[(][0-9]+,[0-9]+[)])?)', flat.text) -%}
    {%- if name | lower in columns and name | lower in found -%}
      {{- exceptions.raise_compiler_error(
        path ~ ' has two columns called ' ~ name | lower
        ~ ', in other letters. Spark cannot tell them apart: rename one, then run again.'
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
    {%- elif found.get(column) == 'bigint' and column in moments -%}
      {%- do types.append(column ~ ' number') -%}
    {%- elif found.get(column, 'void') != 'void' -%}
      {%- do types.append(column ~ ' ' ~ found[column]) -%}
    {%- elif '/' ~ column ~ '=' in path | lower -%}
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
