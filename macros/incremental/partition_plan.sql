{# Which partitions to rebuild and which to drop, by comparing fingerprints: no clock, no watermark.

   The fingerprint of a partition is the XOR of a hash of each file that a row of it comes from: path, size,
   modification time, and how many of its rows belong here (a timestamp that was too far in the future
   yesterday is valid today, in the same file). The hash includes the model's checksum, so changed SQL, a
   changed macro or a changed variable rebuilds by itself. Gold keeps it in source_version.
   Returns {checked, stale: [[partition, version], ...], empty: ['partition=version', ...], gone: [partition, ...]}. #}
{% macro partition_plan(relation, sql, properties) %}
  {%- set row = fetch(partition_plan_sql(relation, sql, properties))[0] -%}
  {#- Stale only in that there is nothing to see: known to come out empty (update_partitions). -#}
  {%- set known_empty = (properties.get('gold.empty') or '').split(',') -%}
  {%- set stale = [] -%}
  {%- set empty = [] -%}
  {%- for item in (row.stale or '').split(',') | sort if item -%}
    {%- if item in known_empty and not rebuild_requested() -%}
      {%- do empty.append(item) -%}
    {%- else -%}
      {%- do stale.append(item.split('=')) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return({
    'checked': row.checked | int,
    'stale': stale,
    'empty': empty,
    'gone': (row.gone or '').split(',') | select | sort | list,
  }) -}}
{% endmacro %}

{% macro rebuild_requested() %}
  {{- return(should_full_refresh() or var('rebuild') | string | lower == 'true') -}}
{% endmacro %}

{% macro partition_plan_sql(relation, sql, properties) %}
  {%- set checksum = local_md5(sql | replace(latest_timestamp(), '') | replace(invocation_id, '')) -%}
  {%- set meta = config.get('meta') -%}
  {%- set suspect = properties.get('gold.suspect_since') -%}
  with

  input_files as (
  {%- for name, partition in meta.inputs.items() %}
    {%- set source_table = '.' in name %}
    select
        {{ "'*'" if partition == '*' else 'cast(' ~ with_utc_day(partition) ~ ' as string)' }} as p,
        {{ 'file_path' if source_table else '_metadata.file_path' }} as file_path,
        {{ 'file_size' if source_table else '_metadata.file_size' }} as file_size,
        {{ 'file_modified' if source_table else '_metadata.file_modification_time' }} as file_modified,
        count(*) as file_rows
    from {{ source(*name.split('.')) if source_table else ref(name) }}
    group by 1, 2, 3, 4
    {{ 'union all' if not loop.last }}
  {%- endfor %}
  ),

  wanted as (
    select
        p,
        bit_xor(xxhash64(file_path, file_size, file_modified, file_rows, '{{ checksum }}')) as version,
        sum(file_rows) as input_rows
    from input_files
    where p is not null
    group by p
  ),

  {%- if meta.complete_in %}
  {#- Rejected rows: a day all of whose rows are in the fact has none. #}
  complete as (
    {%- for name, partition in meta.complete_in.items() %}
    select cast({{ partition }} as string) as p, count(*) as accepted_rows
    from {{ ref(name) }}
    group by 1
    {%- endfor %}
  ),

  needed as (
    select wanted.*
    from wanted
    left join complete on wanted.p = complete.p
    where wanted.input_rows > coalesce(complete.accepted_rows, 0)
  ),
  {%- else %}
  needed as (select * from wanted),
  {%- endif %}

  {%- set changed = restated_partitions_sql(relation, properties) %}
  {%- if changed %}
  restated as ({{ changed }}),
  {%- endif %}

  built as (
    select
        cast({{ partition_column() }} as string) as p,
        min(source_version) as lowest,
        max(source_version) as highest
        {%- if suspect %},
        {#- Written since the run that was interrupted: on S3 a partition may have been moved in part. #}
        max(unix_timestamp(_metadata.file_modification_time)) >= {{ suspect }} as suspect
        {%- endif %}
    from {{ relation }}
    group by 1
  ),

  compared as (
    select
        coalesce(needed.p, built.p) as p,
        needed.version,
        needed.p is null as gone,
        built.p is null
        or not needed.version <=> built.lowest
        or not needed.version <=> built.highest
        {%- if suspect %}
        or coalesce(built.suspect, true)
        {%- endif %}
        {%- if changed %}
        or built.p in (select p from restated)
        {%- endif %}
        {%- if rebuild_requested() %}
        or {{ in_rebuild_range('needed.p') }}
        {%- endif %} as stale
    from needed
    full join built on {{ 'true' if '*' in meta.inputs.values() else 'needed.p = built.p' }}
  )

  select
      count(*) as checked,
      array_join(collect_set(if(stale and not gone, concat(p, '=', version), null)), ',') as stale,
      array_join(collect_set(if(gone, p, null)), ',') as gone
  from compared
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
  {{- return(limits | join(' and ') or 'true') -}}
{% endmacro %}

{# The partitions with a row whose copied attributes differ from the dimension's (user_attributes: current).
   Scans the fact, so only when the dimension's files are others than at the last scan; none otherwise.
   meta.restated_by: {'dim_users': {'key': 'user_id', 'user_city': 'city', ...}}. #}
{% macro restated_partitions_sql(relation, properties) %}
  {%- set meta = config.get('meta') -%}
  {%- if not meta.restated_by or var('user_attributes') == 'as_built' -%}
    {{- return('') -}}
  {%- endif -%}
  {%- set name = meta.restated_by.dimension -%}
  {%- set key = meta.restated_by.key -%}
  {%- set files = fetch(
    'select cast(bit_xor(xxhash64(f)) as string) as version from (select distinct _metadata.file_path as f from ' ~ ref(name) ~ ')'
  )[0].version or '' -%}
  {%- if properties.get('gold.restated') == files -%}
    {{- return('') -}}
  {%- endif -%}
  {%- do properties.update({'gold.restated': files}) -%}
  {%- set same = [] -%}
  {%- for own, theirs in meta.restated_by.attributes.items() -%}
    {%- do same.append('fact.' ~ own ~ ' <=> dimension.' ~ theirs) -%}
  {%- endfor -%}
  {%- set query %}
    select distinct cast(fact.{{ partition_column() }} as string) as p
    from {{ relation }} as fact
    left join {{ ref(name) }} as dimension on fact.{{ key }} = dimension.{{ key }}
    where not ({{ same | join(' and ') }})
  {%- endset -%}
  {{- return(query) -}}
{% endmacro %}

{# utc_day(ts) in a model's config becomes the macro's SQL here, at run time: config is rendered when dbt
   parses, and kept between runs, but the SQL holds the moment of the run. #}
{% macro with_utc_day(expression) %}
  {%- set sql = namespace(text=expression) -%}
  {%- for column in modules.re.findall('utc_day[(]([a-z_]+)[)]', expression) -%}
    {%- set sql.text = sql.text | replace('utc_day(' ~ column ~ ')', utc_day(column)) -%}
  {%- endfor -%}
  {{- return(sql.text) -}}
{% endmacro %}
