{# on-run-end: says what the run did, in the log and in run_metrics, puts logs together that have
   become many files, and gives the base up. #}
{% macro finish_run(results) %}
  {%- set memory = exact.run_memory() -%}
  {%- if execute and memory.claimed -%}
    {%- set done = [] -%}
    {%- for result in results
      if result.status == 'success'
      and result.node.unique_id in exact.engine_nodes() | map(attribute='unique_id') -%}
      {%- do done.append([result.node, fromjson(result.adapter_response.code)]) -%}
    {%- endfor -%}
    {#- First, or the rows that are added below would be in what is put together too. -#}
    {%- set statements = [] -%}
    {%- for name in exact.logs() -%}
      {%- if memory.logs.get(name, []) | length > 100
        and (name in ('manifest', 'run_metrics') or memory.sources_known) -%}
        {%- do statements.extend(exact.compact_sql(name, memory.logs[name])) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- do statements.extend(exact.append_metrics_sql(done) if done else []) -%}
    {%- do statements.extend(exact.record_tests_sql(results)) -%}
    {%- do exact.run_statements(
      statements + exact.release_sql([exact.claim_owner()]) + exact.forget_all_sql()
    ) -%}
    {%- do exact.log_metrics(done) if done -%}
    {%- set left_out = results
      | selectattr('adapter_response._message', 'equalto', exact.not_asked()) | list -%}
    {%- if left_out -%}
      {%- do log(
        left_out | length ~ ' tests were not run: they passed, and what they look at is as'
        ~ ' it was then. dbt test runs all.', info=true
      ) -%}
    {%- endif -%}
    {%- if memory.orphans -%}
      {%- do log(
        'No model makes ' ~ memory.orphans | join(', ')
        ~ ' any more. To see what is left of them: dbt run-operation remove_orphans', info=true
      ) -%}
    {%- endif -%}
  {%- elif execute and target.type != 'glue'
    and flags.WHICH in ('run', 'build', 'snapshot', 'test', 'freshness', 'retry') -%}
    {%- do exact.run_statements(exact.forget_all_sql()) -%}
  {%- endif -%}
{% endmacro %}
