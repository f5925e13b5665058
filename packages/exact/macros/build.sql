{# Brings one table up to date, rewriting only the partitions that are stale. A project's
   materialization `incremental` hands its models to this macro (README.md), and those that say
   nothing under meta.exact go on to the adapter's own. #}
{% macro incremental() %}
  {%- if exact.declaration(model) is none -%}
    {{- return(dbt['materialization_incremental_' ~ target.type]()) -}}
  {%- endif -%}
  {{- return(exact.build(compiled_code)) -}}
{% endmacro %}

{% macro build(sql) %}
  {%- set started = modules.datetime.datetime.now() -%}
  {%- if not (exact.run_memory().claimed or exact.read_only()) -%}
    {{- exceptions.raise_compiler_error(
      'This run looked at no table and holds no claim: dbt_project.yml lacks'
      ~ ' on-run-start: "{{ exact.start_run() }}" and on-run-end: "{{ exact.finish_run(results) }}".'
    ) -}}
  {%- endif -%}
  {%- do exact.set_own_session() -%}
  {{- run_hooks(pre_hooks) if not exact.read_only() -}}
  {%- set plan = exact.plan(model, this, sql) -%}
  {%- do exact.check(plan) -%}
  {%- if exact.read_only() -%}
    {%- do exact.log_plan(plan) -%}
    {%- set done = exact.outcome(plan, exact.nothing_recorded()) -%}
  {%- else -%}
    {%- set recorded = exact.nothing_recorded() -%}
    {%- for chunk in exact.apply(plan) -%}
      {%- set facts_sql = exact.record(plan, chunk, first=loop.first) -%}
      {%- set statements = chunk.statements + facts_sql -%}
      {%- do exact.log_chunk(plan, chunk, loop.length) -%}
      {%- if loop.last and facts_sql -%}
        {%- set facts = exact.fetch(statements + [exact.recorded_sql(plan)])[0].facts -%}
        {%- do recorded.update(exact.take_in(plan, fromjson(facts))) -%}
      {%- else -%}
        {%- do exact.run_statements(statements) -%}
      {%- endif -%}
    {%- endfor -%}
    {#- An overwrite without rows keeps the old partition (adapter/README.md 4). -#}
    {%- do exact.run_statements(exact.drop_partitions_sql(plan.node, recorded.left_over)) -%}
    {%- do exact.apply_lake_formation(this) -%}
    {%- set done = exact.outcome(plan, recorded) -%}
  {%- endif -%}
  {{- run_hooks(post_hooks) if not exact.read_only() -}}
  {%- do done.update({'seconds': (modules.datetime.datetime.now() - started).total_seconds()}) -%}
  {#- The line that dbt prints for the model, and beside it what finish_run saves. -#}
  {%- do store_raw_result(
    'main', message=exact.summary(done), code=tojson(done), rows_affected=done.rows_written
  ) -%}
  {{- return({'relations': [this]}) -}}
{% endmacro %}
