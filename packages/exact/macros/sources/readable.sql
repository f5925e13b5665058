{# The paths of those files that have no rows. Stops at files that are no parquet, cut off or
   still being written: asked for its types, Spark would say that parquet is an "unsupported data
   source", without the file's name. A reader that skips corrupt files tells which ones it saw; of
   the others, empty or corrupt, the last four bytes tell. #}
{% macro empty_files(sources, files) %}
  {%- set statements = [] -%}
  {%- set queries = [] -%}
  {%- for source in sources -%}
    {%- set own = files | selectattr('source', 'equalto', source.name) | list -%}
    {%- if own -%}
      {%- set readable = source.schema ~ '.' ~ source.table
        ~ '__readable_' ~ local_md5(source.location)[:8] -%}
      {%- do statements.extend(exact.file_table_sql(
        readable, source, 'nothing string', 'parquet', exact.parquet_files() ~ ', ignoreCorruptFiles true'
      )) -%}
      {%- do queries.append(
        'select distinct _metadata.file_path as file_path from ' ~ readable
        ~ (' where _metadata.file_path in (' ~ exact.path_literals(own | map(attribute='file_path')) ~ ')'
           if own | length <= exact.setting('files_per_filter') else '')
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
    {%- do empty.extend(unseen | map(attribute='path')) -%}
    {%- for some in unseen | batch(exact.setting('files_per_filter')) -%}
      {%- do broken.extend(exact.fetch([
        'select path from ' ~ exact.listing_table(source) ~ ' where _metadata.file_path in ('
        ~ exact.path_literals(some | map(attribute='file_path'))
        ~ ") and hex(substr(content, -4)) != hex('PAR1')"
      ]) | map(attribute='path')) -%}
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

{# Options by which a table reads the files that count: in any case of letters. #}
{% macro parquet_files() %}
  {{- return(", pathGlobFilter '*.[pP][aA][rR][qQ][uU][eE][tT]'") -}}
{% endmacro %}
