{# dbt run-operation remove_orphans: names the tables that the engine made, and that no model
   makes any more: a model was removed, renamed or switched off. With --args '{dry_run: false}'
   they are dropped and their files deleted. #}
{% macro remove_orphans(dry_run=true) %}
  {%- if execute -%}
    {%- set memory = exact.run_memory() -%}
    {%- do exact.look_at_catalog([]) -%}
    {%- set here = exact.runs_here() -%}
    {%- do exact.look_at_tables(exact.create_logs_sql() + exact.claim_sql(here), true, here) -%}
    {%- set statements = [] -%}
    {%- for name in memory.orphans -%}
      {%- set rows = exact.fetch(['show table extended in ' ~ target.schema ~ " like '" ~ name ~ "'"]) -%}
      {%- set location = (
        modules.re.findall('(?m)^Location: *(.*)$', rows[0].information) | first
      ) if rows else none -%}
      {%- if location and exact.is_below(location, exact.warehouse_base()) -%}
        {%- do log(
          target.schema ~ '.' ~ name ~ ', ' ~ location
          ~ (': would be removed' if dry_run else ': removed'), info=true
        ) -%}
        {%- do statements.extend(
          ['drop table ' ~ target.schema ~ '.' ~ name] + exact.delete_folders_sql([location])
        ) -%}
      {%- else -%}
        {%- do log(
          target.schema ~ '.' ~ name ~ (' lies in ' ~ location if location else ' is not in the catalog')
          ~ ': forgotten', info=true
        ) -%}
      {%- endif -%}
      {%- do statements.append(
        exact.append_sql('manifest', name ~ '-removed', exact.removed_fact_sql(name))
      ) -%}
    {%- endfor -%}
    {%- do exact.run_statements(
      ([] if dry_run else statements) + exact.release_sql([exact.claim_owner()])
      + exact.forget_all_sql()
    ) -%}
    {%- if not memory.orphans -%}
      {%- do log('Every table that the engine made is still a model or a seed.', info=true) -%}
    {%- elif dry_run -%}
      {%- do log(
        "No table was touched. To remove them: dbt run-operation remove_orphans --args '{dry_run: false}'",
        info=true
      ) -%}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}

{% macro removed_fact_sql(name) %}
  {{- return(
    "select '" ~ name ~ "', '" ~ exact.whole_table() ~ "', 'remove', 'no model', cast(null as string),"
    ~ " '', '', '', '', 0L, cast(null as string),"
    ~ " 0L, 0L, 0L, 0L, 0L, '" ~ invocation_id ~ "', current_timestamp()"
  ) -}}
{% endmacro %}
