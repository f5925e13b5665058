{# The paths of those files that have no rows. Stops at files that are no parquet, cut off or
   still being written: asked for its types, Spark would say that parquet is an "unsupported data
   source", without the file's name. A reader that skips corrupt files tells which ones it saw; of
   the others, empty or corrupt, the last four bytes tell. Those that look empty are read once
   more, by a reader that skips nothing: an error of the storage must not pass for an empty file. #}
{% macro empty_files(sources, files) %}
  {%- set statements = [] -%}
  {%- set queries = [] -%}
  {%- set skipping = exact.parquet_files() ~ ', ignoreCorruptFiles true' -%}
  {%- for source in sources -%}
    {%- set own = files | selectattr('source', 'equalto', source.name) | list -%}
    {%- if own -%}
      {%- set paths = own | map(attribute='file_path') | list -%}
      {%- set table = exact.nothing_table(source, skipping) -%}
      {%- do statements.extend(exact.file_table_sql(table, source, 'nothing string', 'parquet', skipping)) -%}
      {%- do queries.append(
        'select distinct _metadata.file_path as file_path from ' ~ table
        ~ (' where _metadata.file_path in (' ~ exact.path_literals(paths) ~ ')'
           if exact.can_be_named(paths) else '')
      ) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set paths = exact.fetch(statements + [queries | join(' union all ')])
    | map(attribute='file_path') | list -%}
  {%- set seen = dict(zip(paths, paths)) -%}
  {%- set empty = [] -%}
  {%- set broken = [] -%}
  {%- for source in sources -%}
    {%- set unseen = files | selectattr('source', 'equalto', source.name)
      | rejectattr('file_path', 'in', seen) | list -%}
    {%- set table = exact.nothing_table(source, exact.parquet_files()) -%}
    {%- for some in unseen | batch(100) -%}
      {%- set named = ' where _metadata.file_path in ('
        ~ exact.path_literals(some | map(attribute='file_path')) ~ ')' -%}
      {%- do broken.extend(exact.fetch([
        'select path from ' ~ exact.listing_table(source) ~ named
        ~ " and hex(substr(content, -4)) != hex('PAR1')"
      ]) | map(attribute='path')) -%}
      {%- if not broken -%}
        {#- A type that Spark does not have hides a file's rows too. -#}
        {%- do exact.readable_structs(some, []) -%}
        {%- set not_empty = exact.fetch(
          ['set spark.sql.caseSensitive = false']
          + exact.file_table_sql(table, source, 'nothing string', 'parquet', exact.parquet_files())
          + ['select distinct _metadata.file_path as file_path from ' ~ table ~ named]
        ) | map(attribute='file_path') | list -%}
        {%- do empty.extend(some | rejectattr('file_path', 'in', not_empty) | map(attribute='path')) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if broken -%}
    {{- exceptions.raise_compiler_error(
      broken | join(', ') ~ ': not a whole parquet file (cut off, or still being written). '
      ~ 'Deliver it again or remove it, then run again; nothing was touched.'
    ) -}}
  {%- endif -%}
  {{- return(empty) -}}
{% endmacro %}

{# A table whose rows tell nothing but in which files they are. #}
{% macro nothing_table(source, options) %}
  {{- return(exact.file_table(source, 'readable', options)) -}}
{% endmacro %}

{# Options by which a table reads the files that count: in any case of letters. #}
{% macro parquet_files() %}
  {{- return(", pathGlobFilter '*.[pP][aA][rR][qQ][uU][eE][tT]'") -}}
{% endmacro %}
