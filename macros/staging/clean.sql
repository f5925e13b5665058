{# The one cast of a Silver column, whatever its type there: text, trimmed, the empty string NULL;
   what does not parse is NULL, never an error, with ANSI mode on or off.
   type: string, int, decimal(p,s) or timestamp. #}
{% macro clean(column, type='string') %}
  {%- set text = "nullif(trim(" ~ column ~ "), '')" -%}
  {%- if type == 'string' -%}
    {{ text }}
  {%- elif type == 'int' -%}
    {#- '42.0', as a float column writes it, is 42; '42.7' is no int. -#}
    {%- set number = "try_cast(" ~ text ~ " as decimal(38, 10))" -%}
    try_cast(if({{ number }} = floor({{ number }}), {{ number }}, null) as int)
  {%- elif type == 'timestamp' -%}
    {%- set parsed = "try_cast(" ~ text ~ " as timestamp)" -%}
    {#- Spark also takes a year, a month, or a time as of today: here a timestamp names its day. -#}
    if(
      substr({{ text }}, 5, 1) = '-' and length({{ text }}) >= 8
      and {{ parsed }} between timestamp '{{ var("earliest_date") }}' and {{ latest_timestamp() }},
      {{ parsed }},
      null
    )
  {%- else -%}
    try_cast({{ text }} as {{ type }})
  {%- endif -%}
{% endmacro %}

{# The UTC day of a Silver timestamp column: the partition of its row, NULL where it is invalid. #}
{% macro utc_day(column) %}
  cast({{ clean(column, 'timestamp') }} as date)
{% endmacro %}

{# A day after the run: later timestamps are mistakes. One literal for the whole run, so that every
   table of a run draws the same line; left out of a model's checksum. #}
{% macro latest_timestamp() %}
  {%- set latest = run_started_at + modules.datetime.timedelta(days=1) -%}
  timestamp '{{ latest.strftime("%Y-%m-%d %H:%M:%S") }}'
{%- endmacro %}

{# Which of a partition's files a row goes to: one shuffle by partition and file serves both the
   removal of duplicates and the write, and bounds the number of files. #}
{% macro file_bucket(key) %}
  pmod(hash({{ key }}), {{ var('files_per_partition') }})
{% endmacro %}

{# The partition of a user in tables that hold a row a user. #}
{% macro user_bucket(key) %}
  cast(pmod(hash({{ key }}), {{ var('user_buckets') }}) as int)
{% endmacro %}
