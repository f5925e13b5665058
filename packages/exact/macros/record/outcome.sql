{# What a table's run comes to, for run_metrics and the line that dbt prints. #}
{% macro outcome(plan, recorded) %}
  {%- set reasons = {} -%}
  {%- for reason in plan.rebuild.values() -%}
    {%- do reasons.update({reason: reasons.get(reason, 0) + 1}) -%}
  {%- endfor -%}
  {{- return({
    'checked': [plan.checked, recorded.rebuilt] | max,
    'rebuilt': recorded.rebuilt,
    'dropped': plan.drop | length + recorded.left_over | length,
    'rows_written': recorded.rows,
    'rows_left_out': exact.left_out(plan) if recorded.rebuilt else 0,
    'files': recorded.files,
    'bytes': recorded.bytes,
    'reasons': reasons,
  }) -}}
{% endmacro %}

{# '2 of 31 partitions rebuilt (1 file added, 1 code changed), 667412 rows' #}
{% macro summary(done) %}
  {%- if flags.EMPTY -%}
    {{- return('nothing written, SQL and contract are right') -}}
  {%- elif exact.read_only() -%}
    {{- return(
      'nothing written, ' ~ done.reasons.values() | sum ~ ' of ' ~ done.checked ~ ' partitions are stale'
      ~ (', ' ~ done.dropped ~ ' to be dropped' if done.dropped else '')
    ) -}}
  {%- endif -%}
  {%- if not (done.rebuilt or done.dropped) -%}
    {{- return('UNCHANGED, ' ~ done.checked ~ ' partitions checked') -}}
  {%- endif -%}
  {{- return(
    done.rebuilt ~ ' of ' ~ done.checked ~ ' partitions rebuilt'
    ~ (' (' ~ exact.reasons_text(done.reasons) ~ ')' if done.rebuilt else '')
    ~ (', ' ~ done.dropped ~ ' dropped' if done.dropped else '') ~ ', ' ~ done.rows_written ~ ' rows'
    ~ (', ' ~ done.rows_left_out ~ ' left out' if done.rows_left_out else '')
  ) -}}
{% endmacro %}

{# 'file added: 2, code changed: 1' #}
{% macro reasons_text(reasons) %}
  {%- set texts = [] -%}
  {%- for reason, count in reasons.items() -%}
    {%- do texts.append(reason ~ (': ' ~ count if reasons | length > 1 else '')) -%}
  {%- endfor -%}
  {{- return(texts | join(', ')) -}}
{% endmacro %}

{# Rows of an input that the table left out, by the condition that its declaration gives. #}
{% macro left_out(plan) %}
  {%- set selects = [] -%}
  {%- for name, condition in (exact.declaration(plan.node) or {'left_out': {}}).left_out.items() -%}
    {%- for read in exact.tables_behind(plan.node, name) -%}
      {%- do selects.append(
        'select count(*) as n from ' ~ exact.relation_name(read) ~ ' where ' ~ condition
      ) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(
    exact.fetch(['select sum(n) as n from (' ~ selects | join(' union all ') ~ ')'])[0].n | int
    if selects else 0
  ) -}}
{% endmacro %}

{# What is about to be written: a line for each chunk of a long build, otherwise in dbt's log alone.
   A program that shows how far a run is can take it from dbt's events. #}
{% macro log_chunk(plan, chunk, total) %}
  {%- if chunk.partitions -%}
    {%- do log(
      plan.relation ~ ': chunk ' ~ chunk.number ~ ' of ' ~ total ~ ', ' ~ chunk.partitions | length
      ~ ' partitions, ' ~ chunk.partitions[0] ~ ' to ' ~ chunk.partitions[-1], info=total > 1
    ) -%}
  {%- endif -%}
{% endmacro %}
