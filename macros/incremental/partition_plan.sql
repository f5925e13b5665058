{# Which partitions to rebuild and which to drop, by comparing fingerprints: no clock, no watermark.

   The fingerprint of a partition is the XOR of a hash of each file that a row of it comes from: path, size,
   modification time; of Silver's files also how many of its rows belong here and how many moments in them are
   valid (one that was too far in the future yesterday is valid today, in the same file). The hash includes the
   model's checksum, so changed SQL, a changed macro or a changed variable rebuilds by itself. Gold keeps it in
   source_version.

   A partition may have inputs and yet no rows, like a day whose rows were all rejected. Such absent ones need a
   look only when they are others than after the last run (gold.absent).
   Returns {checked, stale, absent, gone, files}: partitions as {partition: version}, the Silver files of the stale. #}
{% macro partition_plan(relation, sql, table) %}
  {%- set query = partition_plan_sql(relation, sql, table) -%}
  {%- set row = fetch(query, table.pending)[0] -%}
  {%- do assert_contract(sql, table, row.types) -%}
  {%- if row.unknown -%}
    {%- set row = fetch(query, remember_files_sql([[model, []]]))[0] -%}
  {%- endif -%}
  {%- if row.dimension is not none and row.dimension != table.properties.get('gold.restated') -%}
    {%- if table.properties.get('gold.suspect_since') != '0' -%}
      {%- set row = fetch(partition_plan_sql(relation, sql, table, restated_partitions_sql(relation)))[0] -%}
    {%- endif -%}
    {%- do table.properties.update({'gold.restated': row.dimension}) -%}
  {%- endif -%}
  {%- set plan = {'checked': row.checked | int, 'files': fromjson(row.files)} -%}
  {%- for name in ('stale', 'absent', 'gone') -%}
    {%- set partitions = {} -%}
    {%- for item in (row[name] or '').split(',') | sort if item -%}
      {%- do partitions.update([item.split('=')]) -%}
    {%- endfor -%}
    {%- do plan.update({name: partitions}) -%}
  {%- endfor -%}
  {{- return(plan) -}}
{% endmacro %}

{# The moment and the id of the run stand in the SQL, but change nothing. #}
{% macro model_checksum(sql) %}
  {{- return(local_md5(sql | replace(latest_timestamp(), '') | replace(invocation_id, ''))) -}}
{% endmacro %}

{% macro rebuild_requested() %}
  {{- return(should_full_refresh() or var('rebuild') | string | lower == 'true') -}}
{% endmacro %}

{% macro partition_plan_sql(relation, sql, table, restated='') %}
  {%- set meta = config.get('meta') -%}
  {%- set suspect = table.properties.get('gold.suspect_since') -%}
  {%- set known_absent = '' if rebuild_requested() else table.properties.get('gold.absent', '') -%}
  with

  input_files as ({{ input_files_sql(meta.inputs) }}),

  wanted as (
    select
        p,
        bit_xor(xxhash64(file_path, file_size, file_modified, file_rows, valid_moments, '{{ model_checksum(sql) }}')) as version,
        collect_set(file_path) as files,
        sum(file_rows) as input_rows
    from input_files
    where p is not null
    group by p
  ),

  {%- if meta.complete_in %}
  {#- Rejected rows: a day all of whose rows are in the fact has none. #}
  accepted as (
    select
        p,
        sum(file_rows) as accepted_rows
    from ({{ known_files_sql(gold_node(meta.complete_in)) }})
    group by p
  ),

  needed as (
    select wanted.*
    from wanted
    left join accepted on wanted.p = accepted.p
    where wanted.input_rows > coalesce(accepted.accepted_rows, 0)
  ),
  {%- else %}

  needed as (select * from wanted),
  {%- endif %}

  built as (
    select
        p,
        min(source_version) as lowest,
        max(source_version) as highest,
        {#- Written since the run that was interrupted: on S3 a partition may have been moved in part. #}
        {{ 'unix_timestamp(max(file_modified)) >= ' ~ suspect if suspect else 'false' }} as suspect,
        count_if(source_version is null) as unknown_files
    from ({{ known_files_sql(model) }})
    group by p
  ),

  compared as (
    select
        coalesce(needed.p, built.p) as p,
        needed.version,
        needed.files,
        built.unknown_files,
        needed.p is null as gone,
        built.p is null as absent,
        not needed.version <=> built.lowest
        or not needed.version <=> built.highest
        or built.suspect
        {{ 'or built.p in (' ~ restated ~ ')' if restated }}
        {{ 'or ' ~ in_rebuild_range('needed.p') if rebuild_requested() }} as changed
    from needed
    full join built on {{ 'true' if '*' in meta.inputs.values() else 'needed.p = built.p' }}
  ),

  listed as (
    select
        count(*) as checked,
        sum(unknown_files) as unknown,
        array_sort(collect_set(if(changed and not absent, concat(p, '=', version), null))) as changed,
        array_sort(collect_set(if(absent, concat(p, '=', version), null))) as absent,
        array_sort(collect_set(if(gone, concat(p, '='), null))) as gone,
        array_distinct(flatten(collect_set(if(changed or absent, files, null)))) as files
    from compared
  ),

  known as (select *, md5(array_join(absent, ',')) = '{{ known_absent }}' as absent_known from listed)

  select
      checked,
      unknown,
      array_join(if(absent_known, changed, concat(changed, absent)), ',') as stale,
      array_join(absent, ',') as absent,
      array_join(gone, ',') as gone,
      to_json(slice(files, 1, {{ var('files_per_filter') + 1 }})) as files,
      {{ dimension_version_sql() }} as dimension,
      {{ types_sql(sql, table) }} as types
  from known
{% endmacro %}

{# The files of Silver and Gold that each partition is made of. #}
{% macro input_files_sql(inputs) %}
  {%- for name, partition in inputs.items() %}
    {%- set silver = '.' in name %}
    select
        {{ "'*'" if partition == '*' else 'cast(' ~ partition ~ ' as string)' }} as p,
        file_path,
        file_size,
        file_modified,
        {{ 'file_rows' if silver else '0' }} as file_rows,
        {{ 'valid_moments' if silver else '0' }} as valid_moments
    from ({{ silver_days_sql(name.split('.')[1]) if silver else gold_files_sql(gold_node(name)) }})
    {{ 'union all' if not loop.last }}
  {%- endfor %}
{% endmacro %}

{# rebuild_from and rebuild_to are days; a month is rebuilt when it holds one of them. #}
{% macro in_rebuild_range(p) %}
  {%- set limits = [] -%}
  {%- for name, comparison in [('rebuild_from', '>='), ('rebuild_to', '<=')] if var(name) and not should_full_refresh() -%}
    {%- if not modules.re.match('[0-9]{4}-[0-9]{2}-[0-9]{2}$', var(name) | string) -%}
      {{- exceptions.raise_compiler_error(name ~ " is a day such as '2024-02-29', not '" ~ var(name) ~ "'.") -}}
    {%- endif -%}
    {%- do limits.append(
      '(' ~ p ~ " = '*' or " ~ p ~ ' ' ~ comparison ~ " substr('" ~ var(name) ~ "', 1, length(" ~ p ~ ')))'
    ) -%}
  {%- endfor -%}
  {{- return('(' ~ (limits | join(' and ') or 'true') ~ ')') -}}
{% endmacro %}

{# The state of the dimension whose attributes the model copies (user_attributes: current), as a scalar.
   meta.restated_by: {'dimension': 'dim_users', 'key': 'user_id', 'attributes': {'user_city': 'city', ...}}. #}
{% macro dimension_version_sql() %}
  {%- set copied = config.get('meta').restated_by -%}
  {%- if not copied or var('user_attributes') == 'as_built' -%}
    {{- return('cast(null as string)') -}}
  {%- endif -%}
  {{- return(
    "(select coalesce(cast(bit_xor(xxhash64(file_path)) as string), 'no file') from (" ~ gold_files_sql(gold_node(copied.dimension)) ~ '))'
  ) -}}
{% endmacro %}

{# The partitions with a row whose copied attributes differ from the dimension's. Scans the fact, so only when the dimension's
   files are others than at the last scan (gold.restated). #}
{% macro restated_partitions_sql(relation) %}
  {%- set copied = config.get('meta').restated_by -%}
  {%- set same = [] -%}
  {%- for own, theirs in copied.attributes.items() -%}
    {%- do same.append('fact.' ~ own ~ ' <=> dimension.' ~ theirs) -%}
  {%- endfor -%}
  {%- set query %}
    select distinct cast(fact.{{ partition_column() }} as string) as p
    from {{ relation }} as fact
    left join {{ ref(copied.dimension) }} as dimension on fact.{{ copied.key }} = dimension.{{ copied.key }}
    where not ({{ same | join(' and ') }})
  {%- endset -%}
  {{- return(query) -}}
{% endmacro %}
