{# Refuses a model while dbt parses it when meta.exact says something that nothing reads, or when
   the model refers to something that it does not declare: its table would go stale in silence.
   Called from generate_alias_name, the one macro of a project that dbt calls for every node that
   it parses. #}
{% macro check_declaration(node) %}
  {%- set declared = (node.config.meta or {}).get('exact') if node.resource_type == 'model' -%}
  {%- if declared -%}
    {%- set problems = exact.declaration_problems(declared, exact.partition_column(node)) -%}
    {%- for name in exact.names_read(node.raw_code)
      if name not in exact.names_declared(exact.declaration(node)) -%}
      {%- do problems.append(exact.undeclared(name)) -%}
    {%- endfor -%}
    {%- if problems -%}
      {{- exceptions.raise_compiler_error(node.name ~ ': ' ~ problems | join(' ')) -}}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}

{# What is wrong with a declaration as it stands, in sentences. #}
{% macro declaration_problems(declared, partition_column) %}
  {%- set problems = [] -%}
  {%- set known = ['inputs', 'restated_by', 'complete_in', 'sorted_by', 'left_out'] -%}
  {%- for key in declared if key not in known -%}
    {%- do problems.append(
      'meta.exact.' ~ key ~ ' is not known; the keys are ' ~ known | join(', ') ~ '.'
    ) -%}
  {%- endfor -%}
  {%- if declared.inputs is mapping and not partition_column -%}
    {%- for name, partition in declared.inputs.items() if partition != exact.all_rows() -%}
      {%- do problems.append(
        'The input ' ~ name ~ " names a partition, but the model has no partition_by: write '"
        ~ exact.all_rows() ~ "'."
      ) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- for key in ('dimension', 'key', 'attributes')
    if declared.restated_by and key not in declared.restated_by -%}
    {%- do problems.append('meta.exact.restated_by lacks ' ~ key ~ '.') -%}
  {%- endfor -%}
  {{- return(problems) -}}
{% endmacro %}

{% macro undeclared(name) %}
  {{- return(
    'It reads ' ~ name ~ ', which meta.exact does not declare, so that a change there would go unseen:'
    ~ " add it to inputs, as '" ~ name ~ "': '" ~ exact.all_rows()
    ~ "', or as the expression that maps its rows to a partition."
  ) -}}
{% endmacro %}

{% macro names_declared(declared) %}
  {%- set names = declared.inputs | list + [declared.complete_in] -%}
  {%- do names.append(declared.restated_by.dimension) if declared.restated_by -%}
  {{- return(names) -}}
{% endmacro %}

{# The names in ref('…') and source('…', '…'). dbt resolves them only after it has parsed all
   models. #}
{% macro names_read(raw_code) %}
  {%- set quoted = "['\"]([A-Za-z0-9_]+)['\"]" -%}
  {%- set names = modules.re.findall(
    'ref[(] *(?:' ~ quoted ~ ' *, *)?' ~ quoted, raw_code
  ) | map('last') | list -%}
  {%- for source, table in modules.re.findall('source[(] *' ~ quoted ~ ' *, *' ~ quoted, raw_code) -%}
    {%- do names.append(source ~ '.' ~ table) -%}
  {%- endfor -%}
  {{- return(names | unique | list) -}}
{% endmacro %}

{# The same at the start of a run, when dbt knows every dependency, also those made by a macro. #}
{% macro check_declarations() %}
  {%- for node in exact.engine_nodes() if node.resource_type == 'model' -%}
    {%- set declared = exact.declaration(node) -%}
    {%- for id in node.depends_on.nodes or [] -%}
      {%- set read = graph.nodes.get(id) or graph.sources[id] -%}
      {%- set name = read.name if id in graph.nodes else read.source_name ~ '.' ~ read.name -%}
      {%- if name not in exact.names_declared(declared) -%}
        {{- exceptions.raise_compiler_error(node.name ~ ': ' ~ exact.undeclared(name)) -}}
      {%- endif -%}
    {%- endfor -%}
    {%- for name in declared.inputs -%}
      {%- do exact.tables_behind(node, name) -%}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}
