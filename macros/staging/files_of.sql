{# How many files a day has: files_per_partition, or one where days are small, for each file costs
   whoever reads the table. A day whose files would have more than rows_per_file rows has so many more,
   500 in all at most. What depends on rows is volatile, with a literal for each size of a large day: days
   that grow must not rebuild others. #}
{% macro files_of(day, table) %}
  {%- set few = var('files_per_partition') | int -%}
  {%- set rows = {} -%}
  {%- for p, count in exact.rows_of_inputs(table).items() if modules.re.match('[0-9-]{10}$', p) -%}
    {%- do rows.update({p: count}) -%}
  {%- endfor -%}
  {%- set small = rows and (rows.values() | sort)[rows | length // 2] <= var('rows_of_small_days') | int -%}
  {%- set fewer = 1 if small else few -%}
  {%- set larger = {} -%}
  {%- for p, count in rows.items() -%}
    {%- set more = [(count / var('rows_per_file')) | round(0, 'ceil') | int, 500] | min - fewer -%}
    {%- do larger.setdefault(more, []).append("date '" ~ p ~ "'") if more > 0 -%}
  {%- endfor -%}
  {%- set cases = [] -%}
  {%- for more, days in larger | dictsort -%}
    {%- do cases.append('when ' ~ day ~ ' in (' ~ days | join(', ') ~ ') then ' ~ more) -%}
  {%- endfor -%}
  {{- few -}}
  {{- exact.volatile(' - ' ~ (few - fewer)) if fewer != few -}}
  {{- exact.volatile(' + case ' ~ cases | join(' ') ~ ' else 0 end') if cases -}}
{% endmacro %}
