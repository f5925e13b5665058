{# The model's SQL, reading no source file but those that the plan names, where they are few: a
   partition's rows may lie in any file, so that no predicate of the model's keeps Spark from
   opening them all. Text is replaced in compiled SQL, since a relation has no other place where a
   run could put a predicate: models would have to know of it. Where the text is not found, all is
   read, which is slower and as right. #}
{% macro prune_sources(plan) %}
  {{- return(exact.read_only_files(plan.node, plan.sql, plan.files or {})) -}}
{% endmacro %}

{# SQL of a node, reading its sources by the views of this run's folders, and no files of these sources but
   those that are named: {source: [path]}. #}
{% macro read_only_files(node, sql, files) %}
  {%- set pruned = namespace(sql=sql) -%}
  {%- for read in exact.relations_read(node) if read.resource_type == 'source' -%}
    {%- set source = exact.source_declaration(read) -%}
    {%- set query = 'select * from ' ~ exact.source_view(source) if source -%}
    {%- if source and source.name in files -%}
      {#- An input without a file still has a condition, which no row meets. -#}
      {%- set paths = exact.path_literals(files[source.name] or ['']) -%}
      {%- set query = query ~ ' where file_path in (' ~ paths ~ ')' -%}
    {%- endif -%}
    {%- set pruned.sql = exact.replace_relation(pruned.sql, exact.relation_name(read), '(' ~ query ~ ')')
      if source else pruned.sql -%}
  {%- endfor -%}
  {#- Named more than once, they may make a statement longer than Glue takes. -#}
  {%- if files and target.type == 'glue' and pruned.sql | length > 50000 -%}
    {{- return(exact.read_only_files(node, sql, {})) -}}
  {%- endif -%}
  {{- return(pruned.sql) -}}
{% endmacro %}

{# After from or join only, and as a whole name. The query gets the table's name, by which its columns
   may be called, unless it has another. Not where they are called by schema and table, which no
   query can have, nor before a sample, which stands before the name. #}
{% macro replace_relation(sql, name, query) %}
  {%- if modules.re.search('(?<![A-Za-z0-9_.])' ~ modules.re.escape(name) ~ '[.]', sql) -%}
    {{- return(sql) -}}
  {%- endif -%}
  {%- set parts = modules.re.split(
    '((?:from|join) +)' ~ modules.re.escape(name) ~ '(?![A-Za-z0-9_.])(?! +(?i:tablesample))', sql
  ) -%}
  {%- set text = namespace(sql=parts[0]) -%}
  {%- for i in range(1, parts | length, 2) -%}
    {%- set alias = '' if exact.begins_with_alias(parts[i + 1]) else ' as ' ~ name.split('.')[-1] -%}
    {%- set text.sql = text.sql ~ parts[i] ~ query ~ alias ~ parts[i + 1] -%}
  {%- endfor -%}
  {{- return(text.sql) -}}
{% endmacro %}

{# Whether SQL that follows a table begins with another name for it: any word but those that can
   stand there. #}
{% macro begins_with_alias(sql) %}
  {%- set code = modules.re.sub('(?s:/[*].*?[*]/)|--.*', '', sql) | trim -%}
  {%- set word = modules.re.match('[A-Za-z_`][A-Za-z0-9_]*', code) -%}
  {{- return(word is not none and word.group() | lower not in (
    'where', 'on', 'using', 'join', 'inner', 'cross', 'left', 'right', 'full', 'semi', 'anti', 'natural',
    'lateral', 'group', 'having', 'order', 'sort', 'cluster', 'distribute', 'limit', 'offset', 'window',
    'union', 'intersect', 'except', 'minus', 'pivot', 'unpivot',
  )) -}}
{% endmacro %}

{% macro path_literals(paths) %}
  {%- set literals = [] -%}
  {%- for path in paths -%}
    {%- do literals.append(exact.sql_text(path)) -%}
  {%- endfor -%}
  {{- return(literals | join(', ')) -}}
{% endmacro %}
