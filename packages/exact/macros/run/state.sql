{# SQL that takes in, in one query, all that a run goes by: rows of (kind, name, text). There is a
   line for each partition of each table, so they come as lines of text, with `|` between the
   fields. #}
{% macro state_sql(writes, here) %}
  select 'found' as kind, model as name,
      {{ exact.lines_sql(['files', 'file_count', 'stray', 'p']) }} as text
  from ({{ exact.table_files_sql() }})
  group by model
  union all
  select 'fact' as kind, model as name, {{ exact.lines_sql([
    'files', 'file_count', 'fact.code', 'fact.columns', 'fact.names', 'fact.states', 'fact.contents',
    'fact.inputs', 'fact.restated', 'fact.partitions', 'fact.rows', 'p',
  ]) }} as text
  from (
      {#- The last fact on each set of files of each partition. -#}
      select
          model,
          partition as p,
          files,
          file_count,
          max_by(
              struct(code, columns, names, states, contents, inputs, restated, partitions, rows), recorded_at
          ) as fact
      from {{ exact.log_table('manifest') }}
      where code is not null and action != 'test'
      group by model, partition, files, file_count
  )
  group by model
  union all
  select 'orphan' as kind, model as name, '' as text
  from {{ exact.log_table('manifest') }}
  where model not in ('{{ exact.table_names() | join("', '") }}') and action != 'test'
  group by model
  having max_by(action, recorded_at) != 'remove'
  union all
  select 'test' as kind, model as name, max_by(code, recorded_at) as text
  from {{ exact.log_table('manifest') }}
  where action = 'test'
  group by model
  union all
  select 'catalog' as kind, model as name, {{ exact.lines_sql(['p']) }} as text
  from ({{ exact.catalog_partitions_sql() }})
  group by model
  {{ exact.source_parts_sql() }}
  {%- if exact.run_memory().days_read %}
  union all
  select 'changed' as kind, source as name, min(file_path) as text
  from {{ exact.temporary('source_listing') }} as listed
  left anti join {{ exact.temporary('source_days') }} as days
      using (source, file_path, file_size, file_modified)
  left anti join (select * from {{ exact.known_types_sql() }} where empty)
      using (source, file_path, file_size, file_modified)
  where lower(listed.path) like '%.parquet'
  group by source
  {%- endif %}
  union all
  select 'log' as kind, log as name, array_join(collect_set(part), chr(10)) as text
  from (
      select
          regexp_extract(path, '/?([^/]+)/[^/]+/[^/]+$', 1) as log,
          regexp_extract(path, '/([^/]+)/[^/]+$', 1) as part
      from {{ exact.temporary('table_listing') }}
      where startswith(path, {{ exact.sql_text(exact.below_base(exact.engine_location()) ~ '/') }})
  )
  where log in ('{{ exact.logs() | join("', '") }}')
  group by log
  union all
  select 'zone' as kind, current_timezone() as name, '' as text
  union all
  select 'claims' as kind, '' as name, ({{ exact.other_claims_sql(writes, here) }}) as text
{% endmacro %}

{# The names of all tables and views of the project, guests too. #}
{% macro table_names() %}
  {{- return(
    graph.nodes.values() | selectattr('resource_type', 'in', ('model', 'seed', 'snapshot'))
    | rejectattr('config.materialized', 'equalto', 'ephemeral') | map(attribute='alias') | list
  ) -}}
{% endmacro %}

{% macro lines_sql(fields) %}
  {%- set texts = [] -%}
  {%- for field in fields -%}
    {%- do texts.append('coalesce(cast(' ~ field ~ " as string), '')") -%}
  {%- endfor -%}
  {{- return("array_join(collect_list(concat_ws('|', " ~ texts | join(', ') ~ ')), chr(10))') -}}
{% endmacro %}

{# What source files make of the partitions of each table that reads them (wanted.sql), and of each
   source as a whole, for tests, in one pass over all files. #}
{% macro source_parts_sql() %}
  {%- set readers = {} -%}
  {%- for source in exact.engine_sources() if exact.run_memory().sources_known -%}
    {%- do readers.update(
      {source.name: ["struct('" ~ source.name ~ "' as name, '" ~ exact.whole_table() ~ "' as p)"]}
    ) -%}
  {%- endfor -%}
  {%- for node in exact.engine_nodes()
    if node.resource_type == 'model' and exact.run_memory().sources_known -%}
    {%- for name, expression in exact.declaration(node).inputs.items() -%}
      {%- for read in exact.tables_behind(node, name) if read.resource_type == 'source' -%}
        {%- do readers[exact.declared_name(read)].append(
          "struct('" ~ exact.input_key(node, name, read) ~ "' as name, "
          ~ (
            "'" ~ exact.whole_table() ~ "'" if expression == exact.all_rows()
            else 'nullif(cast(' ~ expression ~ " as string), '')"
          ) ~ ' as p)'
        ) -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if readers %}
  union all
  select 'source' as kind, name, {{ exact.lines_sql([
    'names', 'states', 'contents', 'inputs', 'rows', 'p'
  ]) }} as text
  from (
      select
          reader.name,
          reader.p,
          bit_xor(xxhash64(file_path, day)) as names,
          bit_xor(xxhash64(file_path, day, file_size, file_modified)) as states,
          bit_xor(xxhash64(file_path, day, file_size, file_modified, file_rows, valid_moments)) as contents,
          count(*) as inputs,
          sum(file_rows) as rows
      from {{ exact.temporary('source_days') }}
      lateral view explode(
          case source
              {%- for source, structs in readers.items() %}
              when '{{ source }}' then array({{ structs | join(', ') }})
              {%- endfor %}
          end
      ) as reader
      where reader.p is not null
      group by reader.name, reader.p
  )
  group by name
  {%- endif %}
{% endmacro %}

{# Takes the rows of such a query in. Returns {zone, claims, differing: tables whose partitions
   the catalog has otherwise (repair_catalog), changed: a source file whose days are not known}. #}
{% macro take_in_state(rows) %}
  {%- set memory = exact.run_memory() -%}
  {%- set lines = {'found': {}, 'fact': {}, 'catalog': {}, 'source': {}, 'log': {}} -%}
  {%- set rest = {'zone': none, 'claims': [], 'differing': [], 'changed': none} -%}
  {%- do memory.orphans.clear() -%}
  {%- for row in rows -%}
    {%- if row.kind in lines and row.text -%}
      {%- do lines[row.kind].update({row.name: row.text.split('\n')}) -%}
    {%- elif row.kind == 'claims' -%}
      {%- do rest.update({'claims': fromjson(row.text)}) -%}
    {%- elif row.kind == 'test' -%}
      {%- do memory.tests_passed.update({row.name: row.text}) -%}
    {%- elif row.kind == 'orphan' -%}
      {%- do memory.orphans.append(row.name) -%}
    {%- elif row.kind == 'zone' -%}
      {%- do rest.update({'zone': row.name}) -%}
    {%- elif row.kind == 'changed' -%}
      {%- do rest.update({'changed': row.text}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do memory.update({'logs': lines.log}) -%}
  {%- for name, own in lines.source.items() -%}
    {%- set parts = {} -%}
    {%- for line in own -%}
      {%- set field = line.split('|', 5) -%}
      {%- do parts.update({field[5]: {
        'names': field[0],
        'states': field[1],
        'contents': field[2],
        'inputs': field[3] | int,
        'rows': field[4] | int,
      }}) -%}
    {%- endfor -%}
    {%- do memory.sources.update({name: parts}) -%}
  {%- endfor -%}
  {%- for node in exact.engine_nodes() -%}
    {%- set state = exact.state_of(lines.found.get(node.alias, []), lines.fact.get(node.alias, [])) -%}
    {%- do memory.state.update({node.alias: state.partitions}) -%}
    {%- for value in state.stray -%}
      {%- do exact.warn_of_stray_folder(node, value) -%}
    {%- endfor -%}
    {%- do memory.codes.update({node.alias: state.codes}) -%}
    {%- set folders = exact.partitions_found(node) | reject('equalto', exact.whole_table()) | list -%}
    {%- set known = lines.catalog.get(node.alias, []) -%}
    {%- if exact.in_catalog(node) and folders | sort != known | sort -%}
      {%- do rest.differing.append(
        [node, folders | reject('in', known) | list, known | reject('in', folders) | list]
      ) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(rest) -}}
{% endmacro %}

{# {partitions: {partition: {files, file_count, rows, fact, known}}, codes: {code: true}, stray: [name of
   a folder that is no partition]} of the lines of a table. #}
{% macro state_of(found, facts) %}
  {%- set partitions = {} -%}
  {%- set codes = {} -%}
  {%- set stray = [] -%}
  {%- for line in found -%}
    {%- set field = line.split('|', 3) -%}
    {%- if field[2] == 'true' -%}
      {%- do stray.append(field[3]) -%}
    {%- else -%}
      {%- do partitions.update(
        {field[3]: dict(exact.nothing_found(), files=field[0] | int, file_count=field[1] | int)}
      ) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for line in facts -%}
    {%- set field = line.split('|', 11) -%}
    {%- set partition = partitions.setdefault(field[11], exact.nothing_found()) -%}
    {%- do partition.update({'known': true}) -%}
    {%- do codes.update({field[2]: true}) -%}
    {%- if partition.files == field[0] | int and partition.file_count == field[1] | int -%}
      {%- do partition.update({'rows': field[10] | int, 'fact': {
        'code': field[2],
        'columns': field[3],
        'names': field[4],
        'states': field[5],
        'contents': field[6],
        'inputs': field[7] | int,
        'restated': field[8],
        'partitions': field[9] | int,
      }}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return({'partitions': partitions, 'codes': codes, 'stray': stray}) -}}
{% endmacro %}
