{# How many files a day has: files_per_partition, or more where each would have more than
   rows_per_file rows. A literal for each size, since rows are not known before a run. #}
{% macro files_of(day, table) %}
  {%- set few = var('files_per_partition') | int -%}
  {%- set larger = {} -%}
  {%- for p, rows in exact.rows_of_inputs(table).items() if modules.re.match('[0-9-]{10}$', p) -%}
    {%- set files = [(rows / var('rows_per_file')) | round(0, 'ceil') | int, 500] | min -%}
    {%- do larger.setdefault(files, []).append("date '" ~ p ~ "'") if files > few -%}
  {%- endfor -%}
  {%- set cases = [] -%}
  {%- for files, days in larger | dictsort -%}
    {%- do cases.append('when ' ~ day ~ ' in (' ~ days | join(', ') ~ ') then ' ~ files) -%}
  {%- endfor -%}
  {{- few if not cases else '' -}}
  {{- exact.volatile('case ' ~ cases | join(' ') ~ ' else ' ~ few ~ ' end') if cases -}}
{% endmacro %}
