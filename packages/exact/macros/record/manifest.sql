{# The manifest: a table of facts beside the others. Each says that a set of files (names and
   sizes, as a hash) is the complete result of a partition, for these inputs and this code. Facts
   are appended and never changed; a fact about files that are gone is worth nothing, and losing
   the manifest costs a rebuild, never a wrong row. README.md describes its columns. #}
{% macro manifest_columns() %}
  {{- return(
    'model string, partition string, action string, reason string, code string, columns string,'
    ~ ' names string, states string, contents string, inputs bigint, restated string, partitions bigint,'
    ~ ' files bigint, file_count bigint, rows bigint, bytes bigint,'
    ~ ' invocation_id string, recorded_at timestamp'
  ) -}}
{% endmacro %}

{# Statements that record what a chunk's statements left. Partitions that were dropped, and those
   that were only compared, come with the first. As many facts in each as a statement on Glue can
   hold. #}
{% macro record(plan, chunk, first) %}
  {%- set queries = [] -%}
  {%- set passing = [] -%}
  {%- set statements = [] -%}
  {%- for some in chunk.partitions | batch(200) -%}
    {%- set before = exact.files_before(plan, some) -%}
    {%- do statements.extend(before.views) -%}
    {%- do passing.extend(before.names) -%}
    {%- do queries.append(exact.written_facts_sql(plan, some, before.sql)) -%}
  {%- endfor -%}
  {%- for some in (exact.other_facts(plan) if first else []) | batch(300) -%}
    {%- do queries.append(exact.other_facts_sql(plan, some)) -%}
  {%- endfor -%}
  {%- for query in queries -%}
    {%- do statements.append(
      exact.append_sql('manifest', exact.fact_part(plan, chunk, loop.index), query)
    ) -%}
  {%- endfor -%}
  {%- for view in passing | unique -%}
    {%- do statements.append(exact.forget_sql(view)) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{# SQL: a fact on each partition that a chunk wrote, from the files that are there now. Where they
   are those of before, the query had no rows for the partition, and Spark kept the old ones
   (adapter/README.md 4): its result is empty. before: SQL of files_before. #}
{% macro written_facts_sql(plan, partitions, before) %}
  {%- set reasons = plan.rebuild.values() | unique | list -%}
  {%- set rows = [] -%}
  {%- for p in partitions -%}
    {%- set wanted = plan.wanted[p] -%}
    {%- do rows.append(
      '(' ~ exact.sql_text(p) ~ ', ' ~ (reasons.index(plan.rebuild[p]) + 1) ~ ", '" ~ wanted.names
      ~ "', '" ~ wanted.states ~ "', '" ~ wanted.contents ~ "', " ~ wanted.inputs ~ ')'
    ) -%}
  {%- endfor -%}
  {%- set whole = plan.column and not plan.by_partition %}
  select
      '{{ plan.node.alias }}',
      {{ 'coalesce(now.p, plan.p)' if whole else 'plan.p' }},
      'rebuild',
      array({{ exact.path_literals(reasons) }})[plan.reason - 1],
      {{ "if(now.old, null, '" ~ plan.code ~ "')" if whole else "'" ~ plan.code ~ "'" }},
      '{{ exact.columns_version(plan.node) }}',
      plan.names,
      plan.states,
      plan.contents,
      cast(plan.inputs as bigint),
      {{ exact.text_or_null(plan.dimension) }},
      {{ 'count_if(not now.old) over ()' if whole else '1L' }},
      {%- for measure in ('files', 'file_count', 'rows', 'bytes') %}
      if(coalesce(now.old, true), 0L, now.{{ measure }}),
      {%- endfor %}
      '{{ invocation_id }}',
      current_timestamp()
  from (values {{ rows | join(', ') }}) as plan (p, reason, names, states, contents, inputs)
  left join (
      select
          written.*,
          {{
            'coalesce(written.files = before.files and written.file_count = before.file_count, false)'
            if before else 'false'
          }} as old
      from ({{ exact.written_sql(plan, partitions) }}) as written
      {%- if before %}
      left join ({{ before }}) as before on written.p = before.p
      {%- endif %}
  ) as now
      on {{ 'true' if whole else 'plan.p = now.p' }}
{% endmacro %}

{# {sql, views, names}: the files that partitions had before they were written, as a query of (p,
   files, file_count), and the statements that make views for it, with their names, where they are
   more than a statement on Glue can hold. #}
{% macro files_before(plan, partitions) %}
  {%- set rows = [] -%}
  {%- for p, partition in exact.partitions_found(plan.node).items()
    if plan.column and (p in partitions or not plan.by_partition) -%}
    {%- do rows.append(
      '(' ~ exact.sql_text(p) ~ ', ' ~ partition.files ~ 'L, ' ~ partition.file_count ~ 'L)'
    ) -%}
  {%- endfor -%}
  {%- set many = exact.setting('partitions_per_statement') -%}
  {%- set views = [] -%}
  {%- set names = [] -%}
  {%- set queries = [] -%}
  {%- for some in rows | batch(many) -%}
    {%- set query = 'select * from values ' ~ some | join(', ') ~ ' as t (p, files, file_count)' -%}
    {%- set view = 'before_' ~ plan.node.alias ~ '_' ~ loop.index -%}
    {%- if rows | length > many -%}
      {%- do views.append(
        'create or replace global temporary view ' ~ exact.temporary_name(view) ~ ' as ' ~ query
      ) -%}
      {%- do names.append(view) -%}
    {%- endif -%}
    {%- do queries.append('select * from ' ~ exact.temporary(view) if rows | length > many else query) -%}
  {%- endfor -%}
  {{- return({'sql': queries | join(' union all '), 'views': views, 'names': names}) -}}
{% endmacro %}

{# SQL: the files of partitions, or of the whole table, as they are now. #}
{% macro written_sql(plan, partitions) %}
  {%- if not plan.column %}
  select
      '{{ exact.whole_table() }}' as p,
      coalesce(bit_xor(xxhash64(substring_index(path, '/', -1), length)), 0L) as files,
      count(*) as file_count,
      (select count(*) from {{ plan.relation }}) as rows,
      coalesce(sum(length), 0L) as bytes
  from binaryFile.`{{ exact.literal_path(exact.table_location(plan.node)) }}`
  {%- else %}
  select
      p,
      bit_xor(xxhash64(name, size)) as files,
      count(*) as file_count,
      sum(rows) as rows,
      sum(size) as bytes
  from (
      select
          cast({{ plan.column }} as string) as p,
          _metadata.file_name as name,
          _metadata.file_size as size,
          count(*) as rows
      from {{ plan.relation }}
      {%- if plan.by_partition %}
      where {{ plan.column }} in ({{ exact.partition_literals(plan, partitions) }})
      {%- endif %}
      group by {{ plan.column }}, _metadata.file_name, _metadata.file_size
  )
  group by p
  {%- endif %}
{% endmacro %}

{# Facts on partitions that nothing was written to: dropped ones, and those whose copied attributes
   were compared and are right. Rows of (partition, code, names, states, contents, inputs, files,
   file_count, rows). #}
{% macro other_facts(plan) %}
  {%- set found = exact.partitions_found(plan.node) -%}
  {%- set rows = [] -%}
  {%- for p in plan.drop -%}
    {%- do rows.append('(' ~ exact.sql_text(p) ~ ", cast(null as string), '', '', '', 0L, 0L, 0L, 0L)") -%}
  {%- endfor -%}
  {%- for p in plan.compared -%}
    {%- set wanted = plan.wanted[p] -%}
    {%- set now = found.get(p, exact.nothing_found()) -%}
    {%- do rows.append(
      '(' ~ exact.sql_text(p) ~ ", '" ~ plan.code ~ "', '" ~ wanted.names ~ "', '" ~ wanted.states ~ "', '"
      ~ wanted.contents ~ "', " ~ wanted.inputs ~ 'L, ' ~ now.files ~ 'L, ' ~ now.file_count ~ 'L, '
      ~ now.rows ~ 'L)'
    ) -%}
  {%- endfor -%}
  {{- return(rows) -}}
{% endmacro %}

{% macro text_or_null(value) %}
  {{- return(exact.sql_text(value) if value else 'cast(null as string)') -}}
{% endmacro %}

{# SQL: such facts as rows of the manifest. #}
{% macro other_facts_sql(plan, rows) %}
  select
      '{{ plan.node.alias }}',
      p,
      if(code is null, 'drop', 'compare'),
      if(code is null, 'its inputs are gone', 'attributes are right'),
      code,
      '{{ exact.columns_version(plan.node) }}',
      names,
      states,
      contents,
      inputs,
      {{ exact.text_or_null(plan.dimension) }},
      1L,
      files,
      file_count,
      rows,
      0L,
      '{{ invocation_id }}',
      current_timestamp()
  from values {{ rows | join(', ') }}
      as facts (p, code, names, states, contents, inputs, files, file_count, rows)
{% endmacro %}

{# The name of what one statement adds: recorded_sql finds all of a table's by its beginning. #}
{% macro fact_part(plan, chunk, number) %}
  {{- return(plan.node.alias ~ '-' ~ chunk.number ~ '-' ~ number) -}}
{% endmacro %}

{# SQL, in one row: what this run recorded of a table. #}
{% macro recorded_sql(plan) %}
  select
      to_json(collect_list(struct(
          partition as p, action, code, files, file_count, rows, bytes, partitions
      ))) as facts
  from parquet.`{{ exact.literal_path(
    exact.log_location('manifest')
  ) }}/{{ invocation_id }}-{{ plan.node.alias }}-*`
{% endmacro %}

{% macro nothing_recorded() %}
  {{- return({'rebuilt': 0, 'rows': 0, 'files': 0, 'bytes': 0, 'left_over': []}) -}}
{% endmacro %}

{# Brings the run's memory up to date with what was recorded. Returns {rebuilt, rows, files,
   bytes, left_over}; left_over are the partitions that had files, and that the query had no rows
   for. #}
{% macro take_in(plan, facts) %}
  {%- set state = exact.run_memory().state.setdefault(plan.node.alias, {}) -%}
  {%- set found = exact.partitions_found(plan.node) -%}
  {%- set done = exact.nothing_recorded() -%}
  {%- for fact in facts -%}
    {%- if fact.action == 'rebuild' and plan.rows == 'same' -%}
      {#- They were compared, and nothing was written. -#}
    {%- elif fact.action == 'rebuild' and fact.file_count -%}
      {%- do done.update({
        'rebuilt': done.rebuilt + 1,
        'rows': done.rows + fact.rows,
        'files': done.files + fact.file_count,
        'bytes': done.bytes + fact.bytes,
      }) -%}
    {%- elif fact.action == 'rebuild' and fact.p in found -%}
      {%- do done.left_over.append(fact.p) -%}
    {%- endif -%}
    {%- do state.update({fact.p: {
      'files': fact.files, 'file_count': fact.file_count, 'rows': fact.rows, 'fact': fact, 'known': true,
    }}) -%}
  {%- endfor -%}
  {{- return(done) -}}
{% endmacro %}
