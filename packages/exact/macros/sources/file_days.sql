{# Which days the rows of each source file belong to, and how many.

   A row belongs to the day of its moment, wherever its file lies, so the moments of all files
   decide, and reading them costs more with every day of history. But which days a file holds is a
   fact about a file that never changes: it is read once and remembered. A moment that lies too
   far in the future becomes valid one day, without its file changing: true_until says when to
   look again. #}
{% macro remember_days_sql(sources, groups) %}
  {%- set statements = [] -%}
  {%- for source in sources -%}
    {%- set unknown = groups | selectattr('source', 'equalto', source.name)
      | map(attribute='days_unknown') | sum(start=[]) -%}
    {%- if unknown -%}
      {%- do statements.extend(
        exact.add_facts_sql('file_days', loop.index, exact.file_days_sql(source, unknown))
      ) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{# The rows to remember. They carry the file that was read, which need not be the one that was
   listed. #}
{% macro file_days_sql(source, files) %}
  {%- set day = exact.valid_moment(source.day) if source.day else 'cast(null as timestamp)' %}
  select
      '{{ source.name }}' as source,
      file_path,
      file_size,
      file_modified,
      '{{ exact.day_rules(source) }}' as rules,
      min(min(later)) over (partition by file_path, file_size, file_modified) as true_until,
      day,
      count(*) as file_rows,
      sum(valid_moments) as valid_moments
  from (
      select
          file_path,
          file_size,
          file_modified,
          cast({{ day }} as date) as day,
          {%- for column in source.moments if column != source.day %}
          if({{ exact.valid_moment(column) }} is null, 0, 1) +
          {%- endfor %} 0 as valid_moments,
          least(
              {%- for column in source.moments %}
              if({{ exact.moment(column) }} > {{ exact.latest_moment() }}, {{ exact.moment(column) }}, null),
              {%- endfor %}
              cast(null as timestamp), cast(null as timestamp)
          ) as later
      from {{ exact.source_view(source) }}
      {%- if exact.can_be_named(files) %}
      where file_path in ({{ exact.path_literals(files) }})
      {%- endif %}
  )
  group by file_path, file_size, file_modified, day
{% endmacro %}

{# Statements that define the view source_days: what is known of the files that are there. #}
{% macro source_days_sql() %}
  {%- set query %}
    select distinct
        listed.source,
        listed.file_path,
        listed.file_size,
        listed.file_modified,
        days.day,
        days.file_rows,
        days.valid_moments
    from {{ exact.facts_sql('file_days') }} as days
    inner join {{ exact.temporary('source_listing') }} as listed
        on
            days.source = listed.source
            and days.file_path = listed.file_path
            and days.file_size = listed.file_size
            and days.file_modified = listed.file_modified
    where {{ exact.day_is_known() }}
  {%- endset -%}
  {{- return([
    'create or replace global temporary view ' ~ exact.temporary_name('source_days') ~ ' as ' ~ query,
  ]) -}}
{% endmacro %}

{% macro day_is_known() %}
  {%- set rules = [] -%}
  {%- for source in exact.engine_sources() -%}
    {%- do rules.append("'" ~ exact.day_rules(source) ~ "'") -%}
  {%- endfor -%}
  {{- return(
    'rules in (' ~ rules | unique | join(', ')
    ~ ') and (true_until is null or true_until > ' ~ exact.latest_moment() ~ ')'
  ) -}}
{% endmacro %}

{# What a file's days depend on, apart from the file: which columns decide, and how text is read
   as a moment. #}
{% macro day_rules(source) %}
  {%- set rules = [
    source.name, source.day, source.moments_in_files, exact.moment('x'), exact.valid_moment('x'),
  ] -%}
  {%- for type in ('string', 'nanos', 'folder') -%}
    {%- do rules.append(exact.as_text('x', type)) -%}
  {%- endfor -%}
  {%- do rules.append(exact.as_moment('x', 'timestamp')) -%}
  {{- return(local_md5(exact.without_volatile(tojson(rules)))) -}}
{% endmacro %}
