{# Snapshots are Iceberg tables of the catalog `history`, which is the metastore of all others seen
   by Iceberg: Gold's own tables are read and written without it. On Glue dbt-glue has a catalog of
   its own for Iceberg, and names it itself. #}
{% macro generate_schema_name(custom_schema_name, node) %}
  {%- set schema = dbt.default__generate_schema_name(custom_schema_name, node) -%}
  {%- set of_iceberg = node.resource_type == 'snapshot' and target.type == 'spark' -%}
  {{- return('history.' ~ schema if of_iceberg else schema) -}}
{% endmacro %}

{# dbt makes the schemas of all nodes when it starts, and fails where Spark has no Iceberg. That of
   the history is made by history_of. #}
{% macro spark__create_schema(relation) %}
  {%- if not (relation | string).startswith('history.') -%}
    {{- return(dbt.spark__create_schema(relation)) -}}
  {%- endif -%}
{% endmacro %}

{% materialization snapshot, adapter='spark' %}
  {{- return(snapshot_if_changed(sql)) -}}
{% endmaterialization %}

{# Not tried on Glue: dbt-glue 1.10 looks for Iceberg tables in a catalog of another name, and takes
   one that it does not see for one that is not there, as dbt-spark does. #}
{% materialization snapshot, adapter='glue' %}
  {{- return(no_snapshot('not taken: on Glue there is no history yet')) -}}
{% endmaterialization %}

{# dbt's own snapshot; not where Iceberg is missing, not in a run that only explains, and not when
   the table that it looks at is as it was when its last version was written. #}
{% macro snapshot_if_changed(sql) %}
  {%- set memory = exact.run_memory() -%}
  {%- set version = exact.test_version(model, sql) -%}
  {%- set found = history_of(this) if not exact.read_only() -%}
  {%- if exact.read_only() -%}
    {{- return(no_snapshot('not taken: this run writes nothing')) -}}
  {%- elif found is none -%}
    {{- return(no_snapshot('not taken: Spark has no Iceberg. `make setup` fetches it')) -}}
  {%- elif found and version and memory.tests_passed.get(model.unique_id) == version -%}
    {{- return(no_snapshot('UNCHANGED')) -}}
  {%- endif -%}
  {#- dbt-spark 1.9 takes a schema that it cannot list for an empty one, and would then replace the
      table, and with it all history. It is told what there is. -#}
  {%- if found -%}
    {%- do adapter.cache_added(this.incorporate(type='table', is_iceberg=true)) -%}
  {%- endif -%}
  {%- do memory.tests_asked.update({model.unique_id: version}) if version -%}
  {{- return(dbt.materialization_snapshot_spark()) -}}
{% endmacro %}

{# Whether there is a history yet, a list; none where Spark has no Iceberg. An error fails. #}
{% macro history_of(relation) %}
  {%- set iceberg = exact.fetch(
    ["select java_method('java.lang.ClassLoader', 'getSystemResource',"
     ~ " 'org/apache/iceberg/spark/SparkCatalog.class') as class"]
  ) -%}
  {%- if iceberg[0].class in (none, 'null') -%}{#- Spark 3.5 says `null` for null. -#}
    {{- return(none) -}}
  {%- endif -%}
  {{- return(exact.fetch([
    'create database if not exists ' ~ relation.schema,
    'show tables in ' ~ relation.schema ~ " like '" ~ relation.identifier ~ "'"
  ])) -}}
{% endmacro %}

{% macro no_snapshot(why) %}
  {%- do store_raw_result('main', message=why, code='', rows_affected=0, agate_table=none) -%}
  {{- return({'relations': []}) -}}
{% endmacro %}

{# Whether a test looks at a history that is not there, as the line of its snapshot says. #}
{% macro lacks_history(node) %}
  {%- for id in node.depends_on.nodes if id.startswith('snapshot.') -%}
    {%- set snapshot = graph.nodes[id] -%}
    {%- if target.type != 'spark'
      or not history_of(api.Relation.create(schema=snapshot.schema, identifier=snapshot.alias)) -%}
      {{- return(true) -}}
    {%- endif -%}
  {%- endfor -%}
  {{- return(false) -}}
{% endmacro %}

{% macro nothing_to_test() %}
  {%- call statement('main', fetch_result=true) -%}
    select 0 as failures, false as should_warn, false as should_error
  {%- endcall -%}
  {{- return({'relations': []}) -}}
{% endmacro %}
