{# What a source says of itself under meta.exact, or none where it says nothing: its columns are
   read as text, whatever their types in the files.
   - day: the column whose UTC day decides the partition of a row; none for a source that is read
     as a whole;
   - moments: the other columns that hold moments;
   - called: {column: its other name}, where files call a column otherwise, some of them or all.
   Returns {name, schema, table, location, columns, names, in_files, day, moments, moments_in_files}:
   columns as the view has them; names has for each the names that it may have in a file, in_files all
   of these; moments has the day too. #}
{% macro source_declaration(source) %}
  {%- set declared = (source.config.meta or source.meta or {}).get('exact') -%}
  {%- if declared is none -%}
    {{- return(none) -}}
  {%- endif -%}
  {#- Spark tells no capital from a small letter in a name. -#}
  {%- set columns = source.columns | map('lower')
    | reject('in', ('file_path', 'file_size', 'file_modified')) | list -%}
  {%- set known = ['day', 'moments', 'called'] -%}
  {%- set moments = (([declared.day] if declared.day else []) + (declared.moments or []))
    | map('lower') | unique | list -%}
  {%- for key in declared if key not in known -%}
    {{- exceptions.raise_compiler_error(
      exact.declared_name(source) ~ ': meta.exact.' ~ key ~ ' is not known; the keys are '
      ~ known | join(', ') ~ '.'
    ) -}}
  {%- endfor -%}
  {%- set names = {} -%}
  {%- for column in columns -%}
    {%- do names.update({column: [column]}) -%}
  {%- endfor -%}
  {%- for column, other in (declared.called or {}).items() if column | lower in names -%}
    {%- do names[column | lower].append(other | lower) -%}
  {%- endfor -%}
  {%- for name in moments + (declared.called or {}) | map('lower') | list if name not in columns -%}
    {{- exceptions.raise_compiler_error(
      exact.declared_name(source) ~ ': meta.exact names the column ' ~ name
      ~ ', which is not among its columns.'
    ) -}}
  {%- endfor -%}
  {%- set moments_in_files = [] -%}
  {%- for column in moments -%}
    {%- do moments_in_files.extend(names[column]) -%}
  {%- endfor -%}
  {{- return({
    'name': exact.declared_name(source),
    'schema': source.schema,
    'table': source.identifier,
    'location': exact.source_location(source),
    'columns': columns,
    'names': names,
    'in_files': names.values() | sum(start=[]) | unique | list,
    'day': declared.day | lower if declared.day else none,
    'moments': moments,
    'moments_in_files': moments_in_files | unique | list,
  }) -}}
{% endmacro %}

{# All of them. #}
{% macro engine_sources() %}
  {%- set memory = exact.run_memory() -%}
  {%- if 'declared_sources' not in memory -%}
    {%- set sources = [] -%}
    {%- for source in graph.sources.values() if exact.source_declaration(source) -%}
      {%- do sources.append(exact.source_declaration(source)) -%}
    {%- endfor -%}
    {%- do memory.update({'declared_sources': sources}) -%}
  {%- endif -%}
  {{- return(memory.declared_sources) -}}
{% endmacro %}
