{# How many files a day has: files_per_partition, and so many more, 500 in all at most, that none has
   more than rows_per_file rows. What a day has more is volatile, a literal for each size: a day that
   grows large must not rebuild the others. #}
{% macro files_of(day, table) %}
  {%- set few = var('files_per_partition') | int -%}
  {%- set larger = {} -%}
  {%- for p, rows in exact.rows_of_inputs(table).items() if modules.re.match('[0-9-]{10}$', p) -%}
    {%- set more = [(rows / var('rows_per_file')) | round(0, 'ceil') | int, 500] | min - few -%}
    {%- do larger.setdefault(more, []).append("date '" ~ p ~ "'") if more > 0 -%}
  {%- endfor -%}
  {%- set cases = [] -%}
  {%- for more, days in larger | dictsort -%}
    {%- do cases.append('when ' ~ day ~ ' in (' ~ days | join(', ') ~ ') then ' ~ more) -%}
  {%- endfor -%}
  {{- few -}}
  {{- exact.volatile(' + case ' ~ cases | join(' ') ~ ' else 0 end') if cases -}}
{% endmacro %}
