{# {partition: {names, states, contents, inputs}}: what the inputs make of each partition
   now. Three hashes of them: which they are; with their sizes and times; and with what they hold
   for us, such as how many moments are valid today. contents decides, the others tell what
   changed. inputs is their number. #}
{% macro wanted(plan, declared) %}
  {%- set memory = exact.run_memory() -%}
  {%- set parts = {} -%}
  {%- set whole = exact.no_parts() -%}
  {%- for name, partition in declared.inputs.items() -%}
    {%- for read in exact.tables_behind(plan.node, name) -%}
      {%- set key = exact.input_key(plan.node, name, read) -%}
      {%- if read.resource_type == 'source' -%}
        {%- for p, found in memory.sources.get(key, {}).items() -%}
          {%- set part = whole if p == exact.whole_table() else parts.setdefault(p, exact.no_parts()) -%}
          {%- do exact.add_part(
            part, read.name ~ found.names, read.name ~ found.states, read.name ~ found.contents,
            found.inputs, found.rows
          ) -%}
        {%- endfor -%}
      {%- else -%}
        {%- set map = memory.maps.get(key, {}) -%}
        {%- for own, found in exact.partitions_found(read) | dictsort -%}
          {%- set p = own if partition == exact.partition_column(read) else map.get(own) -%}
          {%- set part = whole if partition == exact.all_rows() else parts.setdefault(p, exact.no_parts()) -%}
          {%- set name = read.name ~ ' ' ~ own -%}
          {%- set state = name ~ ' ' ~ found.files -%}
          {%- do exact.add_part(part, name, state, state, 1, 0) -%}
        {%- endfor -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if not plan.by_partition -%}
    {%- do parts.update({exact.whole_table(): exact.no_parts()}) -%}
  {%- endif -%}
  {%- set complete = exact.partitions_found(exact.table_named(declared.complete_in))
    if declared.complete_in else {} -%}
  {%- set wanted = {} -%}
  {#- What every partition depends on is mixed into each. A partition all of whose rows are in
      another table has none here. -#}
  {%- for p, part in parts.items() if p -%}
    {%- if not declared.complete_in or part.rows > (complete[p].rows if p in complete else 0) -%}
      {%- do wanted.update({p: {
        'names': exact.short_hash(part.names + whole.names),
        'states': exact.short_hash(part.states + whole.states),
        'contents': exact.short_hash(part.contents + whole.contents),
        'inputs': part.inputs + whole.inputs,
      }}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(wanted) -}}
{% endmacro %}

{% macro no_parts() %}
  {{- return({'names': [], 'states': [], 'contents': [], 'inputs': 0, 'rows': 0}) -}}
{% endmacro %}

{% macro add_part(part, name, state, content, inputs, rows) %}
  {%- do part.names.append(name) -%}
  {%- do part.states.append(state) -%}
  {%- do part.contents.append(content) -%}
  {%- do part.update({'inputs': part.inputs + inputs, 'rows': part.rows + rows}) -%}
{% endmacro %}

{# [{key, expression, type, column, partitions}]: partitions of inputs of which it is not known yet
   to which partition of the table they belong: the declaration says it in SQL. As many together
   as a statement on Glue can name. #}
{% macro unmapped_inputs(node, declared) %}
  {%- set unmapped = [] -%}
  {%- for name, expression in declared.inputs.items() if expression != exact.all_rows() -%}
    {%- for read in exact.tables_behind(node, name) if read.resource_type != 'source' -%}
      {%- set column = exact.partition_column(read) -%}
      {%- set key = exact.input_key(node, name, read) -%}
      {%- set map = exact.run_memory().maps.setdefault(key, {}) -%}
      {%- set partitions = exact.partitions_found(read) | reject('in', map) | list -%}
      {%- for some in partitions | batch(1000) if expression != column -%}
        {%- do unmapped.append({
          'key': key,
          'expression': expression,
          'column': column,
          'type': read.columns[column].data_type,
          'partitions': some,
        }) -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(unmapped) -}}
{% endmacro %}

{# SQL: the partitions that an input maps to, as {theirs: own}. #}
{% macro map_sql(input) %}
  {%- set rows = [] -%}
  {%- for p in input.partitions -%}
    {%- do rows.append('(' ~ exact.sql_text(p) ~ ')') -%}
  {%- endfor -%}
  {{- return(
    'select to_json(map_from_entries(collect_list(struct(theirs, own)))) as map from (select theirs, cast('
    ~ input.expression ~ ' as string) as own from (select theirs, cast(theirs as ' ~ input.type ~ ') as '
    ~ input.column ~ ' from values ' ~ rows | join(', ') ~ ' as partitions (theirs)))'
  ) -}}
{% endmacro %}

{# {source: [path]}: the source files that hold rows of the partitions to rebuild; none where they
   are too many to name. A source that is also read as a whole is not among them. #}
{% macro files_to_read(plan, declared) %}
  {%- set whole = [] -%}
  {%- for name, expression in declared.inputs.items() if expression == exact.all_rows() -%}
    {%- do whole.extend(exact.tables_behind(plan.node, name)) -%}
  {%- endfor -%}
  {%- set selects = [] -%}
  {%- set files = {} -%}
  {%- for name, expression in declared.inputs.items() if expression != exact.all_rows() -%}
    {%- for read in exact.tables_behind(plan.node, name)
      if read.resource_type == 'source' and read not in whole -%}
      {%- set source = exact.declared_name(read) -%}
      {%- do files.update({source: []}) -%}
      {%- do selects.append(
        'select source, file_path from ' ~ exact.temporary('source_days') ~ " where source = '" ~ source
        ~ "' and cast(" ~ expression ~ ' as string) in (' ~ exact.path_literals(plan.rebuild) ~ ')'
      ) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if not selects or plan.rebuild | length > exact.setting('partitions_per_statement') -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- set rows = exact.fetch([
    'select distinct source, file_path from (' ~ selects | join(' union all ')
    ~ ') limit ' ~ (exact.setting('files_per_filter') + 1)
  ]) -%}
  {%- for row in rows -%}
    {%- do files[row.source].append(row.file_path) -%}
  {%- endfor -%}
  {{- return(files if exact.can_be_named(rows | map(attribute='file_path') | list) else none) -}}
{% endmacro %}

{# Whether so many files can be named in a statement: Glue takes 68,000 characters. #}
{% macro can_be_named(paths) %}
  {{- return(
    paths | length <= exact.setting('files_per_filter')
    and (target.type != 'glue' or paths | join | length < 15000)
  ) -}}
{% endmacro %}
