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
  {%- if memory.no_failure is none -%}
    {%- call statement('main', fetch_result=true) -%}
      select 0 as failures, false as should_warn, false as should_error
    {%- endcall -%}
    {%- do memory.update({'no_failure': load_result('main').table}) -%}
  {%- endif -%}
  {%- do store_raw_result(
    'main', message=exact.not_asked(), code='', rows_affected=0, agate_table=memory.no_failure
  ) -%}
  {{- return({'relations': []}) -}}
{% endmacro %}

{# A hash of what a test's answer depends on: its SQL, and the files of the tables and sources that
   it refers to. None where that is not known: it refers to nothing, or to something that the
   package does not build, or takes something from the clock. #}
{% macro test_version(node, sql) %}
  {%- set memory = exact.run_memory() -%}
  {%- if not memory.claimed or should_store_failures() or exact.differs_by_itself(sql) -%}
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

{# A mark in a data test's SQL: its answer depends on rows of this day and later ones alone, by the
   sources' own days. No file is then read that has none of them. day: such as 2024-02-29. #}
{% macro rows_from(day) %}{{- return('/*rows from ' ~ day ~ '*/') -}}{% endmacro %}

{# dbt's macro, which puts the query of a data test together. #}
{% macro default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) %}
  {{- return(dbt.default__get_test_sql(
    exact.prune_test(model, main_sql), fail_calc, warn_if, error_if, limit
  )) -}}
{% endmacro %}

{% macro prune_test(node, sql) %}
  {%- set day = modules.re.findall('/[*]rows from ([0-9-]+)[*]/', sql) | first -%}
  {%- set files = {} -%}
  {%- for read in exact.relations_read(node) if day and read.resource_type == 'source' -%}
    {%- set declared = exact.source_declaration(read) -%}
    {%- do files.update({exact.declared_name(read): []}) if declared and declared.day -%}
  {%- endfor -%}
  {%- if not files -%}
    {{- return(sql) -}}
  {%- endif -%}
  {%- set rows = exact.fetch([
    'select distinct source, file_path from ' ~ exact.temporary('source_days') ~ " where source in ('"
    ~ files | join("', '") ~ "') and day >= date '" ~ day ~ "' limit "
    ~ (exact.setting('files_per_filter') + 1)
  ]) -%}
  {%- for row in rows -%}
    {%- do files[row.source].append(row.file_path) -%}
  {%- endfor -%}
  {{- return(
    exact.read_only_files(node, sql, files) if exact.can_be_named(rows | map(attribute='file_path') | list)
    else sql
  ) -}}
{% endmacro %}

{# Asks a unit test, unless a run has seen it pass: its SQL holds all that it reads. Again only a run
   that builds leaves it out. A project's materialization `unit` hands its tests to this macro.
   dbt 1.10 gives a unit test a graph of its own, so the run's memory is not to be had here, and the
   manifest is asked. Its answer is what dbt gets as well: a row neither expected nor found. #}
{% macro unit_test() %}
  {%- set version = exact.unit_test_version(model) -%}
  {%- if flags.WHICH in ('build', 'retry') and not exact.read_only() and version -%}
    {%- set passed = run_query(
      "select 'passed' as actual_or_expected from " ~ exact.log_table('manifest') ~ " where action = 'test'"
      ~ ' and model = ' ~ exact.sql_text(model.unique_id) ~ ' and code = ' ~ version ~ ' limit 1'
    ) -%}
    {%- if passed.rows -%}
      {%- do store_raw_result(
        'main', message=exact.not_asked(), code='', rows_affected=0, agate_table=passed
      ) -%}
      {{- return({'relations': []}) -}}
    {%- endif -%}
  {%- endif -%}
  {%- do exact.set_own_session() -%}
  {{- return(dbt.materialization_unit_default()) -}}
{% endmacro %}

{# SQL: what a unit test's answer depends on: its SQL, what it expects, dbt and Spark. None where it
   takes something from the clock. #}
{% macro unit_test_version(node) %}
  {%- if exact.differs_by_itself(node.compiled_code) -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- set parts = [
    node.compiled_code, node.config.get('expected_rows'), node.config.get('expected_sql'),
    exact.session_settings(), dbt_version,
  ] -%}
  {{- return("concat('" ~ local_md5(exact.without_volatile(parts | string)) ~ " ', version())") -}}
{% endmacro %}

{# What dbt's results say of a test that was left out. #}
{% macro not_asked() %}{{- return('not run: as it was when it last passed') -}}{% endmacro %}

{# Whether a test's SQL takes something from the clock, or from chance. #}
{% macro differs_by_itself(sql) %}
  {{- return(modules.re.search('(?i)current_|localtime|now *[(]|rand|uuid', exact.without_volatile(sql))) -}}
{% endmacro %}

{# Statements that record which tests of this run found nothing, and which snapshots were taken. #}
{% macro record_tests_sql(results) %}
  {%- set rows = [] -%}
  {%- for result in results if result.status in ('pass', 'success') and not result.failures -%}
    {%- set asked = exact.run_memory().tests_asked.get(result.node.unique_id) -%}
    {%- set version = exact.sql_text(asked) if asked -%}
    {%- if result.node.resource_type == 'unit_test'
      and result.adapter_response._message != exact.not_asked() -%}
      {%- set version = exact.unit_test_version(result.node) -%}
    {%- endif -%}
    {%- do rows.append('(' ~ exact.sql_text(result.node.unique_id) ~ ', ' ~ version ~ ')') if version -%}
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
