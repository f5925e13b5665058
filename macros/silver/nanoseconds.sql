{# Spark has no nanoseconds. It reads them (pandas' default) as bigints where this is set, and fails where it is not. Set here and
   not in the profile, which dbt-spark applies again before each statement. #}
{% macro nanos_as_long_sql(setting) %}{{- return('set spark.sql.legacy.parquet.nanosAsLong = ' ~ setting) -}}{% endmacro %}

{# Whether Spark knows the type of every column of these files. EXPLAIN answers with the error that a query would fail with. #}
{% macro types_are_known(files, pending=[]) %}
  {%- set relations = [] -%}
  {%- for file in files -%}
    {%- do relations.append('select 1 from parquet.`' ~ file.path ~ '`') -%}
  {%- endfor -%}
  {%- set plan = fetch('explain ' ~ relations | join(' union all '), pending) | map(attribute='plan') | join(' ') -%}
  {{- return(not modules.re.match('(== Physical Plan ==)?[^a-zA-Z]*([a-zA-Z.]+Exception|Error occurred)', plan)) -}}
{% endmacro %}

{# Refuses files with a column of a type that Spark does not have, be it a column that nobody uses: Spark's own error names
   neither file nor column. #}
{% macro assert_types_are_known(files, pending) %}
  {%- if not types_are_known(files, pending) -%}
    {%- set refused = [] -%}
    {%- for file in files if not types_are_known([file]) -%}
      {%- do refused.append(file.path) -%}
    {%- endfor -%}
    {{- exceptions.raise_compiler_error(
      refused | join(', ') ~ ': Spark cannot read a column, such as a time of day, a float of 16 bits or a decimal of more than 38 digits.'
      ~ ' Write that column as text, or leave it out.'
    ) if refused -}}
  {%- endif -%}
{% endmacro %}

{# Tells nanoseconds from numbers among the moments that are bigints to Spark: `ts number` becomes `ts nanos`.

   A file most of whose values have 18 digits holds nanoseconds: as many microseconds would be the year 5138. One query tells
   so of fifty files. Smaller values may still be nanoseconds, of 1966 to 1973. Of the few files that have only such, the type
   is asked for: only a file with nanoseconds is refused when Spark may not read them as bigints.
   Limits: numbers of 18 digits are taken for nanoseconds whatever the file says; and so are all bigint moments of a file
   that has nanoseconds somewhere.
   tables: the datasets whose table of numbers was registered by an earlier call. #}
{% macro tell_nanoseconds(files, tables, pending) %}
  {%- set queries = [] -%}
  {%- for dataset, own in files | groupby('dataset') -%}
    {%- set table = silver_schema() ~ '.' ~ dataset ~ '__numbers_' ~ local_md5(silver_base())[:8] -%}
    {%- for column in moment_columns(dataset) -%}
      {%- set paths = [] -%}
      {%- for file in own if column ~ ' number' in file.types -%}
        {%- do paths.append(file.file_path) -%}
      {%- endfor -%}
      {%- if paths and dataset not in tables -%}
        {%- do tables.append(dataset) -%}
        {%- do pending.extend(silver_table_sql(table, dataset, moment_columns(dataset) | join(' bigint, ') ~ ' bigint', 'parquet')) -%}
      {%- endif -%}
      {%- do queries.append(
        'select _metadata.file_path as file_path from ' ~ table ~ ' where _metadata.file_path in (' ~ path_literals(paths)
        ~ ') group by _metadata.file_path having count_if(' ~ column ~ ' not between -99999999999999999 and 99999999999999999) * 2 > count('
        ~ column ~ ')'
      ) if paths -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if queries -%}
    {%- set found = fetch(queries | join(' union all '), pending) | map(attribute='file_path') | list -%}
    {%- set small = [] -%}
    {%- for file in files if ' number' in file.types and file.file_path not in found -%}
      {%- do small.append(file) -%}
    {%- endfor -%}
    {%- do pending.append(nanos_as_long_sql('false')) -%}
    {%- if small and not types_are_known(small, pending) -%}
      {%- for file in small if not types_are_known([file]) -%}
        {%- do found.append(file.file_path) -%}
      {%- endfor -%}
    {%- endif -%}
    {%- do pending.append(nanos_as_long_sql('true')) -%}
    {%- for file in files if file.file_path in found -%}
      {%- do file.update({'types': file.types | replace(' number', ' nanos')}) -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}

{# Leaves out what was remembered before they were told apart. #}
{% macro tells_nanoseconds(types) %}
  {%- set bigints = [] -%}
  {%- for dataset in silver_moments() -%}
    {%- for column in moment_columns(dataset) -%}
      {%- do bigints.append(column ~ ' bigint') -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(types ~ " not rlike '(^| )(" ~ bigints | join('|') ~ ")'") -}}
{% endmacro %}
