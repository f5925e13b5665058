{# Snapshots are Iceberg tables in Gold's database. Spark reads them through the catalog `history`,
   which is the catalog of all other tables, Hive's or AWS Glue's, seen by Iceberg: so ref() names
   it. As a part of the schema's name it would be a database that dbt-glue makes. #}
{% macro ref() %}
  {%- set relation = builtins.ref(*varargs, **kwargs) -%}
  {%- set is_snapshot = execute and 'snapshot.' ~ project_name ~ '.' ~ varargs[-1] in graph.nodes -%}
  {{- return(in_history(relation) if is_snapshot else relation) -}}
{% endmacro %}

{% macro in_history(relation) %}
  {{- return(relation.incorporate(path={'schema': 'history.' ~ relation.schema})) -}}
{% endmacro %}

{% materialization snapshot, adapter='spark' %}
  {{- return(snapshot_if_changed(sql)) -}}
{% endmaterialization %}

{% materialization snapshot, adapter='glue' %}
  {{- return(snapshot_if_changed(sql)) -}}
{% endmaterialization %}

{# A snapshot; not where Iceberg is missing, not in a run that only explains, and not when the table
   that it looks at is as it was when its last version was written. #}
{% macro snapshot_if_changed(sql) %}
  {%- set memory = exact.run_memory() -%}
  {%- set version = exact.test_version(model, sql) -%}
  {%- set missing = 'this run writes nothing' if exact.read_only() else no_iceberg() -%}
  {%- if missing -%}
    {{- return(no_snapshot('not taken: ' ~ missing)) -}}
  {%- endif -%}
  {%- set found = recover_history(model) -%}
  {%- if found and version and memory.tests_passed.get(model.unique_id) == version -%}
    {{- return(no_snapshot('UNCHANGED')) -}}
  {%- endif -%}
  {%- do memory.tests_asked.update({model.unique_id: version}) if version -%}
  {%- do exact.set_own_session() -%}
  {{- run_hooks(pre_hooks) -}}
  {%- do exact.run_statements(snapshot_sql(in_history(this), sql, found)) -%}
  {%- do exact.apply_lake_formation(this) -%}
  {{- run_hooks(post_hooks) -}}
  {{- return(no_snapshot('OK')) -}}
{% endmacro %}

{# The statements of a snapshot, whose SQL is dbt's. Cause: what the adapters put around it loses
   data. dbt-spark 1.9.3 takes a schema that it cannot list for an empty one, dbt-glue 1.10.19 an
   error for a table that is not there, and both then replace the table, and with it all history;
   and dbt-glue writes the changes into a table of its own, whose files stay when it is dropped. #}
{% macro snapshot_sql(table, sql, exists) %}
  {%- set strategy = strategy_dispatch(config.get('strategy'))(
    model, 'snapshotted_data', 'source_data', model.config, exists
  ) -%}
  {%- if not exists -%}
    {{- return([
      'create table ' ~ table ~ ' using iceberg location '
      ~ exact.sql_text(history_location(model))
      ~ ' as ' ~ build_snapshot_table(strategy, sql)
    ]) -}}
  {%- endif -%}
  {%- set changes = api.Relation.create(identifier=model.alias ~ '__dbt_tmp') -%}
  {%- set view = 'create or replace temporary view ' ~ changes ~ ' as '
    ~ snapshot_staging_table(strategy, sql, table) -%}
  {%- set known = exact.fetch(['describe ' ~ table]) | map(attribute='col_name') | list -%}
  {%- set statements = [] -%}
  {%- for column in exact.fetch([view, 'describe ' ~ changes])
    if column.col_name not in known + ['dbt_change_type', 'dbt_unique_key'] -%}
    {%- do statements.append(
      'alter table ' ~ table ~ ' add columns (' ~ column.col_name ~ ' ' ~ column.data_type ~ ')'
    ) -%}
  {%- endfor -%}
  {{- return(statements + [snapshot_merge_sql(table, changes, []), 'drop view ' ~ changes]) -}}
{% endmacro %}

{# Why there can be no history, for a person; nothing where there can. #}
{% macro no_iceberg() %}
  {%- if target.type == 'glue' -%}
    {%- set known = 'spark.sql.catalog.history' in (target.conf or '')
      and 'iceberg' in (target.datalake_formats or '') -%}
  {%- else -%}
    {%- set known = exact.fetch(['set spark.sql.catalog.history'])[0].value != '<undefined>' -%}
    {%- set iceberg = exact.fetch(
      ["select java_method('java.lang.ClassLoader', 'getSystemResource',"
       ~ " 'org/apache/iceberg/spark/SparkCatalog.class') as class"]
    ) -%}
    {%- if known and iceberg[0].class in (none, 'null') -%}{#- Spark 3.5 says `null` for null. -#}
      {{- return('Spark has no Iceberg. `make setup` fetches it') -}}
    {%- endif -%}
  {%- endif -%}
  {{- return('' if known else 'profiles.yml lacks the catalog history, which profiles.yml.example has') -}}
{% endmacro %}

{# Whether there is a history yet, a list. An error fails. #}
{% macro history_of(node) %}
  {{- return(exact.fetch(['show tables in history.' ~ node.schema ~ " like '" ~ node.alias ~ "'"])) -}}
{% endmacro %}

{% macro no_snapshot(why) %}
  {%- do store_raw_result('main', message=why, code='', rows_affected=0, agate_table=none) -%}
  {{- return({'relations': []}) -}}
{% endmacro %}

{# Whether a test looks at a history that is not there, as the line of its snapshot says. #}
{% macro lacks_history(node) %}
  {%- for id in node.depends_on.nodes if id.startswith('snapshot.') -%}
    {{- return(no_iceberg() or not history_of(graph.nodes[id])) -}}
  {%- endfor -%}
  {{- return(false) -}}
{% endmacro %}

{% macro nothing_to_test() %}
  {%- call statement('main', fetch_result=true) -%}
    select 0 as failures, false as should_warn, false as should_error
  {%- endcall -%}
  {{- return({'relations': []}) -}}
{% endmacro %}
