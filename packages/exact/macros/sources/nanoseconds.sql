{# Of these files, the paths of those whose bigint moments are nanoseconds, which Spark has no
   type for: it reads them as numbers (spark.sql.legacy.parquet.nanosAsLong).

   A file most of whose values have 18 digits holds nanoseconds: as many microseconds would be the
   year 5138. One query tells so of fifty files. Smaller values may still be nanoseconds, of 1966
   to 1973. Of the few files that have only such, the type is asked for: only a file with
   nanoseconds is refused when Spark may not read them as numbers. Limits: numbers of 18 digits
   are taken for nanoseconds whatever the file says; and so are all bigint moments of a file that
   has nanoseconds somewhere. #}
{% macro with_nanoseconds(sources, files, types) %}
  {%- set statements = ['set spark.sql.caseSensitive = false'] -%}
  {%- set queries = [] -%}
  {%- set numbers = [] -%}
  {%- for source in sources -%}
    {%- set table = exact.file_table(source, 'numbers', source.moments_in_files | join(', ')) -%}
    {%- for column in source.moments_in_files -%}
      {%- set own = [] -%}
      {%- for file in files if file.source == source.name and column ~ ' number' in types[file.path] -%}
        {%- do own.append(file) -%}
      {%- endfor -%}
      {%- if own -%}
        {%- do statements.extend(exact.file_table_sql(
          table, source, source.moments_in_files | join(' bigint, ') ~ ' bigint', 'parquet',
          exact.parquet_files()
        )) -%}
        {%- do queries.append(
          'select _metadata.file_path as file_path from ' ~ table ~ ' where _metadata.file_path in ('
          ~ exact.path_literals(own | map(attribute='file_path'))
          ~ ') group by _metadata.file_path having count_if('
          ~ column ~ ' not between -99999999999999999 and 99999999999999999) * 2 > count(' ~ column ~ ')'
        ) -%}
        {%- do numbers.extend(own) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set large = exact.fetch(statements + [queries | join(' union all ')])
    | map(attribute='file_path') | list if queries else [] -%}
  {%- set small = numbers | rejectattr('file_path', 'in', large) | unique(attribute='path') | list -%}
  {%- set found = numbers | selectattr('file_path', 'in', large) | map(attribute='path') | list -%}
  {%- if small -%}
    {%- set structs = exact.read_structs(small, ['set spark.sql.legacy.parquet.nanosAsLong = false']) -%}
    {%- do exact.run_statements(['set spark.sql.legacy.parquet.nanosAsLong = true']) -%}
    {%- do found.extend(small | map(attribute='path') | reject('in', structs)) -%}
  {%- endif -%}
  {{- return(found | unique | list) -}}
{% endmacro %}
