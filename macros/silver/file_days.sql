{# The day that decides a row's partition, and the other moments of a row: one that lies too far in the future
   today is valid some other day, without its file changing. #}
{% macro silver_moments() %}
  {{- return({
    'events': {'day': 'ts', 'others': []},
    'users': {'day': none, 'others': ['updated_at']},
    'transactions': {'day': 'created_at', 'others': ['delivered_at']},
  }) -}}
{% endmacro %}

{% macro moment_columns(dataset) %}
  {%- set moments = silver_moments()[dataset] -%}
  {{- return(moments.others + ([moments.day] if moments.day else [])) -}}
{% endmacro %}

{# Which days the rows of each Silver file belong to, and how many: what the fingerprints are made of.

   A row belongs to the day of its timestamp, wherever its file lies, so the timestamps of all of Silver decide,
   and reading them costs more with every day of history. But which days a file holds is a fact about an
   immutable file, so it is read once and kept in silver.file_days: a cache, which may be lost. Of a file with
   a moment in the future it is true for one run only. #}
{% macro register_file_days_sql(groups) %}
  {%- set queries = {} -%}
  {%- for dataset, own in groups | groupby('dataset') -%}
    {%- set unknown = own | map(attribute='files') | sum(start=[]) | rejectattr('days_known') | map(attribute='file_path') | list -%}
    {%- do queries.update({dataset: file_days_sql(dataset, unknown)}) if unknown -%}
  {%- endfor -%}
  {{- return(add_to_cache_sql('file_days', queries, queries.values() | join(' union all ')) if queries else []) -}}
{% endmacro %}

{# What the cache knows of the files that are there now. #}
{% macro silver_days_sql(dataset) %}
  select distinct
      known.file_path,
      known.file_size,
      known.file_modified,
      known.day,
      known.file_rows,
      known.valid_moments
  from {{ cache_table('file_days') }} as known
  inner join ({{ silver_listing_sql([dataset]) }}) as listed
      on
          known.dataset = listed.dataset
          and known.file_path = listed.file_path
          and known.file_size = listed.file_size
          and known.file_modified = listed.file_modified
  where
      known.dataset = '{{ dataset }}'
      and known.rules = '{{ day_rules() }}'
      and known.true_in in ('', '{{ invocation_id }}')
{% endmacro %}

{% macro known_file_days_sql() %}
  select distinct
      file_path,
      file_size,
      file_modified
  from {{ cache_table('file_days') }}
  where
      rules = '{{ day_rules() }}'
      and true_in in ('', '{{ invocation_id }}')
{% endmacro %}

{# The rows to add to the cache. They carry the file that was read, which need not be the one that was listed. #}
{% macro file_days_sql(dataset, files) %}
  {%- set moments = silver_moments()[dataset] %}
  select
      file_path,
      file_size,
      file_modified,
      '{{ day_rules() }}' as rules,
      if(max(max(later)) over (partition by file_path, file_size, file_modified), '{{ invocation_id }}', '') as true_in,
      day,
      count(*) as file_rows,
      sum(valid_moments) as valid_moments,
      '{{ dataset }}' as dataset
  from (
      select
          file_path,
          file_size,
          file_modified,
          {{ utc_day(moments.day) if moments.day else 'cast(null as date)' }} as day,
          {%- for column in moments.others %}
          if({{ clean(column, 'timestamp') }} is null, 0, 1) +
          {%- endfor %} 0 as valid_moments,
          {%- for column in moment_columns(dataset) %}
          coalesce({{ any_timestamp(column) }} > {{ latest_timestamp() }}, false)
          {{ 'or' if not loop.last }}
          {%- endfor %} as later
      from {{ silver_schema() }}.{{ dataset }}
      {%- if files | length <= var('files_per_filter') %}
      where file_path in ({{ path_literals(files) }})
      {%- endif %}
  )
  group by file_path, file_size, file_modified, day
{% endmacro %}

{# What the days depend on, apart from the file: how a timestamp is read. #}
{% macro day_rules() %}
  {%- set rules = [clean('ts', 'timestamp')] -%}
  {%- for type in ('string', 'nanos', 'folder') -%}
    {%- do rules.append(as_text('ts', type)) -%}
  {%- endfor -%}
  {{- return(local_md5(rules | join | replace(latest_timestamp(), ''))) -}}
{% endmacro %}
