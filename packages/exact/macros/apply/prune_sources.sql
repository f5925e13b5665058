{# The model's SQL, reading no source file but those that the plan names, where they are few: a
   partition's rows may lie in any file, so that no predicate of the model's keeps Spark from
   opening them all. Text is replaced in compiled SQL, since a relation has no other place where a
   run could put a predicate: models would have to know of it. Where the text is not found, all is
   read, which is slower and as right. #}
{% macro prune_sources(plan) %}
  {%- set pruned = namespace(sql=plan.sql) -%}
  {%- for read in exact.relations_read(plan.node)
    if read.resource_type == 'source' and exact.declared_name(read) in (plan.files or {})
    and not modules.re.search('(?i)(?<![a-z0-9_])' ~ read.identifier ~ '[.]', plan.sql) -%}
    {#- Columns that are called by the table's own name would not be found in a query. -#}
    {%- set name = exact.relation_name(read) -%}
    {#- An input without a file still has a condition, which no row meets. -#}
    {%- set paths = plan.files[exact.declared_name(read)] or [''] -%}
    {%- set pruned.sql = exact.replace_relation(
      pruned.sql, name, '(select * from ' ~ name ~ ' where file_path in (' ~ exact.path_literals(paths) ~ '))'
    ) -%}
  {%- endfor -%}
  {#- Named more than once, they may make a statement longer than Glue takes. -#}
  {{- return(pruned.sql if pruned.sql | length < 50000 else plan.sql) -}}
{% endmacro %}

{# After from or join only, and as a whole name. #}
{% macro replace_relation(sql, name, query) %}
  {%- set parts = modules.re.split(
    '((?:from|join) +)' ~ modules.re.escape(name) ~ '(?![A-Za-z0-9_.])', sql
  ) -%}
  {%- set text = namespace(sql=parts[0]) -%}
  {%- for i in range(1, parts | length, 2) -%}
    {%- set text.sql = text.sql ~ parts[i] ~ query ~ parts[i + 1] -%}
  {%- endfor -%}
  {{- return(text.sql) -}}
{% endmacro %}

{% macro path_literals(paths) %}
  {%- set literals = [] -%}
  {%- for path in paths -%}
    {%- do literals.append(exact.sql_text(path)) -%}
  {%- endfor -%}
  {{- return(literals | join(', ')) -}}
{% endmacro %}
