{# A table without partitions is a few rows. They are computed before anything is written, and
   compared with those that are there: nothing is written where they agree, and missing rows are
   appended, so that no reader sees the table empty. Spark empties the folder of a table that it
   overwrites, for as long as it writes. Returns 'same', 'missing' or 'changed'. Not used on files
   that no fact knows: they may hold anything; nor where somebody asks for a rebuild, as one does who
   does not trust what is there. #}
{% macro compare_rows(plan) %}
  {%- set row = exact.fetch([
    'select count_if(exact_wanted > exact_found) as missing,'
    ~ ' count_if(exact_wanted < exact_found) as vanished from ('
    ~ exact.rows_sql(plan, compared=true) ~ ')'
  ])[0] -%}
  {#- Each append leaves a small file; the twentieth is an overwrite. -#}
  {%- set many = exact.partitions_found(plan.node)[exact.whole_table()].file_count >= 20 -%}
  {{- return(
    'changed' if row.vanished or (row.missing and many) else ('missing' if row.missing else 'same')
  ) -}}
{% endmacro %}

{# Whether the rows that are there can be compared with those of the SQL: their files are known, and
   both have the contract's columns. #}
{% macro rows_are_readable(plan) %}
  {%- set found = exact.partitions_found(plan.node).get(exact.whole_table()) -%}
  {{- return(
    found and found.fact and found.fact.columns == exact.columns_version(plan.node)
    and plan.types in (none, exact.struct_of(exact.contract_columns(plan.node)))
    and not plan.table.change in ('new', 'replace')
  ) -}}
{% endmacro %}

{# SQL: the rows, with how often each is wanted and found. any_value makes columns of them that
   may be NULL, as far as Spark can tell: it writes that into each file, and some readers want a
   table's files to agree. #}
{% macro rows_sql(plan, compared) %}
  {%- set columns = plan.node.columns | list %}
  select
      {%- for column in columns %}
      any_value({{ column }}) as {{ column }},
      {%- endfor %}
      count_if(exact_wanted) as exact_wanted,
      count_if(not exact_wanted) as exact_found
  from (
      select {{ columns | join(', ') }}, true as exact_wanted from (
      {{ plan.sql }}
      )
      {%- if compared %}
      union all
      select {{ columns | join(', ') }}, false as exact_wanted from {{ plan.relation }}
      {%- endif %}
  )
  group by {{ columns | join(', ') }}
{% endmacro %}

{# Statements that write the rows: those that are missing, or all of them. Most often nothing is
   missing, so that rows are not kept for this. All of them are, for the table to be empty more shortly,
   which helps where Spark finds them again: 3.5 does not where the model's SQL begins with `with`. #}
{% macro write_rows_sql(plan) %}
  {%- if plan.rows == 'same' -%}
    {{- return([]) -}}
  {%- endif -%}
  {%- set insert -%}
    {{ plan.relation }}
    select /*+ coalesce(1) */ {{ plan.node.columns | join(', ') }} from
  {%- endset -%}
  {%- if plan.rows == 'missing' -%}
    {{- return([
      'insert into ' ~ insert ~ ' (' ~ exact.rows_sql(plan, compared=true) ~ ')'
      ~ exact.as_often_as('exact_wanted - exact_found')
    ]) -}}
  {%- endif -%}
  {%- set view = 'rows_' ~ plan.node.alias -%}
  {{- return(exact.keep_sql(view, exact.rows_sql(plan, compared=false)) + [
    'insert overwrite ' ~ insert ~ ' ' ~ exact.temporary(view) ~ exact.as_often_as('exact_wanted'),
    exact.forget_sql(view),
  ]) -}}
{% endmacro %}

{# SQL: each row as many times as a number of it says. #}
{% macro as_often_as(number) %}
  lateral view explode(sequence(1L, {{ number }})) as exact_n where {{ number }} > 0
{%- endmacro %}
