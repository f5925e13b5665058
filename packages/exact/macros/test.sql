{# Asks a data test, unless it found nothing the last time and all that it looks at is as it was
   then. Only a run that builds leaves tests out: `dbt test` asks all. A project's materialization
   `test` hands its tests to this macro (README.md). #}
{% macro data_test(sql) %}
  {%- set memory = exact.run_memory() -%}
  {%- set version = exact.test_version(model, sql) -%}
  {%- if not version or memory.tests_passed.get(model.unique_id) != version -%}
    {%- do memory.tests_asked.update({model.unique_id: version}) if version -%}
    {%- do exact.set_own_session() -%}
    {#- Spark keeps the listing of start_run, and this run has added facts since. -#}
    {%- do exact.run_statements(['refresh table ' ~ exact.log_table('manifest')])
      if exact.log_table('manifest') in sql -%}
    {{- return(dbt.materialization_test_default()) -}}
  {%- endif -%}
  {%- if not memory.tests_left_out -%}
    {%- call statement('main', fetch_result=true) -%}
      select 0 as failures, false as should_warn, false as should_error
    {%- endcall -%}
    {%- do memory.update({'no_failure': load_result('main').table}) -%}
  {%- endif -%}
  {%- do memory.tests_left_out.append(model.unique_id) -%}
  {%- do store_raw_result(
    'main', message='not asked: as it was when it last passed', code='', rows_affected=0,
    agate_table=memory.no_failure
  ) -%}
  {{- return({'relations': []}) -}}
{% endmacro %}

{# A hash of what a test's answer depends on: its SQL, and the files of the tables and sources that
   it refers to. None where that is not known: it refers to nothing, or to something that the
   package does not build, or takes something from the clock. #}
{% macro test_version(node, sql) %}
  {%- set memory = exact.run_memory() -%}
  {%- if not memory.claimed or should_store_failures()
    or modules.re.search('(?i)current_|localtime|now *[(]|rand|uuid', sql) -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- set parts = [] -%}
  {%- for read in exact.relations_read(node) -%}
    {%- if read.resource_type == 'source' and exact.source_declaration(read) -%}
      {%- do parts.append(memory.sources.get(exact.declared_name(read), {})) -%}
    {%- elif read.unique_id in exact.engine_nodes() | map(attribute='unique_id') -%}
      {%- do parts.append(exact.table_version(read)) -%}
    {%- else -%}
      {{- return(none) -}}
    {%- endif -%}
  {%- endfor -%}
  {%- if not parts -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- for key in ('fail_calc', 'warn_if', 'error_if', 'limit') -%}
    {%- do parts.append(node.config.get(key)) -%}
  {%- endfor -%}
  {{- return(local_md5(exact.code_version(node, sql) ~ tojson(parts))) -}}
{% endmacro %}

{# Statements that record which tests of this run found nothing, and which snapshots were taken. #}
{% macro record_tests_sql(results) %}
  {%- set rows = [] -%}
  {%- for result in results if result.status in ('pass', 'success') and not result.failures -%}
    {%- set version = exact.run_memory().tests_asked.get(result.node.unique_id) -%}
    {%- do rows.append('(' ~ exact.sql_text(result.node.unique_id) ~ ", '" ~ version ~ "')") if version -%}
  {%- endfor -%}
  {%- set statements = [] -%}
  {%- for some in rows | batch(200) -%}
    {%- set query %}
      select
          id, '{{ exact.whole_table() }}', 'test', 'it found nothing', version, '', '', '', '', 0L,
          cast(null as string), 0L, 0L, 0L, 0L, 0L, '{{ invocation_id }}', current_timestamp()
      from values {{ some | join(', ') }} as passed (id, version)
    {%- endset -%}
    {%- do statements.append(exact.append_sql('manifest', 'tests' ~ loop.index, query)) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}
