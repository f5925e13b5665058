{# Refuses a model while dbt parses it when meta.exact says something that nothing reads, or when
   the model refers to something that it does not declare: its table would go stale in silence.
   Called from generate_alias_name, the one macro of a project that dbt calls for every node that
   it parses. #}
{% macro check_declaration(node) %}
  {%- set declared = (node.config.meta or {}).get('exact') if node.resource_type == 'model' -%}
  {%- if declared is mapping -%}
    {%- set problems = exact.declaration_problems(declared, exact.partition_column(node)) -%}
    {%- for name in exact.names_read(node.raw_code)
      if name not in exact.names_declared(exact.declaration(node)) -%}
      {%- do problems.append(exact.undeclared(name)) -%}
    {%- endfor -%}
    {%- set columns = node.config.partition_by or [] -%}
    {%- if columns is not string and columns | length > 1 -%}
      {%- do problems.append('A table of the engine has one partition column or none.') -%}
    {%- endif -%}
    {%- do exact.refuse(node, problems) -%}
  {%- endif -%}
{% endmacro %}

{% macro refuse(node, problems) %}
  {%- if problems -%}
    {{- exceptions.raise_compiler_error(node.name ~ ': ' ~ problems | join(' ')) -}}
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
  {%- set expressions = (declared.inputs.values() if declared.inputs is mapping else [])
    | reject('equalto', exact.all_rows()) | list -%}
  {%- if declared.restated_by and not expressions -%}
    {%- do problems.append(
      'meta.exact.restated_by is looked at partition by partition, and no input names one: give the'
      ~ " dimension to inputs as '" ~ exact.all_rows() ~ "' instead."
    ) -%}
  {%- endif -%}
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
  {%- set copied = [declared.restated_by.dimension] if declared.restated_by else [] -%}
  {{- return(declared.inputs | list + copied) -}}
{% endmacro %}

{# Tables that a model is compared with, beside its inputs. #}
{% macro tables_compared(declared) %}
  {{- return(
    ([declared.restated_by.dimension] if declared.restated_by else [])
    + ([declared.complete_in] if declared.complete_in else [])
  ) -}}
{% endmacro %}

{# The names in ref('…') and source('…', '…'), but for comments. dbt resolves them only after it
   has parsed all models. #}
{% macro names_read(raw_code) %}
  {%- set raw_code = modules.re.sub('(?m)^ *--.*$', '', raw_code) -%}
  {%- set quoted = "['\"]([A-Za-z0-9_]+)['\"]" -%}
  {%- set names = modules.re.findall(
    'ref[(] *(?:' ~ quoted ~ ' *, *)?' ~ quoted, raw_code
  ) | map('last') | list -%}
  {%- for source, table in modules.re.findall('source[(] *' ~ quoted ~ ' *, *' ~ quoted, raw_code) -%}
    {%- do names.append(source ~ '.' ~ table) -%}
  {%- endfor -%}
  {{- return(names | unique | list) -}}
{% endmacro %}

{# The same at the start of a run, when dbt knows every dependency, also those made by a macro,
   and what the yml beside a model says. #}
{% macro check_declarations() %}
  {%- for node in exact.engine_nodes() -%}
    {%- set problems = exact.table_problems(node) -%}
    {%- if node.resource_type == 'model' -%}
      {%- do problems.extend(exact.dependency_problems(node, exact.declaration(node))) -%}
    {%- endif -%}
    {%- do exact.refuse(node, problems) -%}
  {%- endfor -%}
{% endmacro %}

{# What of a table is not as the engine makes tables, in sentences. #}
{% macro table_problems(node) %}
  {%- set problems = [] -%}
  {%- set column = exact.partition_column(node) -%}
  {%- if column and column != node.columns | list | last -%}
    {%- do problems.append(
      'Spark puts the partition column last: let ' ~ column ~ ' be the last column of the contract.'
    ) -%}
  {%- endif -%}
  {%- if node.resource_type == 'seed' and not node.columns -%}
    {%- do problems.append(
      'The engine makes a seed by its contract: list its columns in yml, with data_type.'
    ) -%}
  {%- endif -%}
  {%- if node.schema != target.schema -%}
    {%- do problems.append(
      'The engine makes tables in ' ~ target.schema ~ ', not in ' ~ node.schema ~ ': take its `schema` away.'
    ) -%}
  {%- endif -%}
  {%- if node.alias != node.alias | lower -%}
    {%- do problems.append('Catalogs store names in lower case: call it ' ~ node.alias | lower ~ '.') -%}
  {%- endif -%}
  {{- return(problems) -}}
{% endmacro %}

{# What of a model's dependencies the engine would not notice or could not follow, in sentences. #}
{% macro dependency_problems(node, declared) %}
  {%- set problems = [] -%}
  {%- set known = exact.names_declared(declared) + exact.tables_compared(declared) -%}
  {%- set names = [] -%}
  {%- for read in exact.nodes_read(node) -%}
    {%- do names.append(exact.declared_name(read)) -%}
  {%- endfor -%}
  {%- for name in names if name not in known -%}
    {%- do problems.append(exact.undeclared(name)) -%}
  {%- endfor -%}
  {%- for name, expression in declared.inputs.items() -%}
    {%- if name not in names -%}
      {%- do problems.append(
        'The input ' ~ name ~ ' is not read: there is no ref or source of it. Take it away, or write'
        ~ ' `-- depends_on: ` and the ref if a macro reads it.'
      ) -%}
    {%- endif -%}
    {%- for read in exact.tables_behind(node, name) -%}
      {%- set source = exact.source_declaration(read) if read.resource_type == 'source' -%}
      {%- if read.resource_type == 'source' and not source -%}
        {%- do problems.append(
          'It reads ' ~ exact.declared_name(read) ~ ', of which the engine does not know when it changes.'
          ~ ' Give the source meta.exact, with its columns and the day of its rows.'
        ) -%}
      {%- elif read.resource_type != 'source' and not exact.is_followed(read) -%}
        {%- do problems.append(exact.not_followed(read.name)) -%}
      {%- elif expression != exact.all_rows()
        and not (source.day if source else exact.partition_column(read)) -%}
        {%- do problems.append(
          'The input ' ~ name ~ ' names a partition, but ' ~ exact.declared_name(read) ~ ' has no '
          ~ ('day' if source else 'partitions') ~ ": write '" ~ exact.all_rows() ~ "'."
        ) -%}
      {%- endif -%}
      {%- if declared.complete_in and not source and expression != exact.all_rows() -%}
        {%- do problems.append(
          'complete_in counts rows of source files, and ' ~ read.name ~ ' is a table: leave complete_in out.'
        ) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- for name in exact.tables_compared(declared) if name not in names -%}
    {%- do problems.append(
      'It is compared with ' ~ name ~ ', which dbt may build later: write `-- depends_on: ` and the ref.'
    ) -%}
  {%- endfor -%}
  {%- for name in exact.tables_compared(declared) if not exact.is_followed(exact.table_named(name)) -%}
    {%- do problems.append(exact.not_followed(name)) -%}
  {%- endfor -%}
  {{- return(problems) -}}
{% endmacro %}

{% macro is_followed(node) %}
  {{- return(node.unique_id in exact.engine_nodes() | map(attribute='unique_id')) -}}
{% endmacro %}

{% macro not_followed(name) %}
  {{- return(
    'It reads ' ~ name ~ ', of which the engine does not know when it changes. Give it meta.exact,'
    ~ ' or make it ephemeral and an input.'
  ) -}}
{% endmacro %}
