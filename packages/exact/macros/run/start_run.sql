{# on-run-start: checks what the run stands on, registers sources, claims the base, and lists what
   is there. What fails here fails before a table is touched. Does nothing while parsing, or for
   commands that only read the project. #}
{% macro start_run() %}
  {%- if execute and flags.WHICH in ('run', 'build', 'seed', 'test', 'retry') -%}
    {%- do exact.check_flags() -%}
    {%- do exact.check_declarations() -%}
    {%- set writes = flags.WHICH != 'test' and not exact.read_only() -%}
    {%- set sources = exact.engine_sources() if flags.WHICH != 'seed' else [] -%}
    {%- do exact.look_at_catalog(sources) -%}
    {%- set here = exact.runs_here() -%}
    {%- set views = exact.register_sources(sources, []) + exact.source_days_sql() if sources else [] -%}
    {%- if flags.WHICH == 'test' -%}
      {%- do exact.run_statements(views) -%}
    {%- else -%}
      {%- do exact.look_at_tables(views + (exact.claim_sql(here) if writes else []), writes, here) -%}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}

{# --sample would write a part of the rows as if it were all. #}
{% macro check_flags() %}
  {%- if invocation_args_dict.get('sample') -%}
    {{- exceptions.raise_compiler_error(
      '--sample would leave tables with a part of their rows. Build from a smaller source instead.'
    ) -}}
  {%- endif -%}
{% endmacro %}

{# Makes databases and the engine's own tables, applies session_settings, and asks the catalog
   which tables there are: its own word, since dbt-glue takes an error for an empty list
   (adapter/README.md 6). #}
{% macro look_at_catalog(sources) %}
  {%- set schemas = [target.schema] + sources | map(attribute='schema') | list -%}
  {%- set statements = [] -%}
  {%- for schema in schemas | unique -%}
    {%- do statements.append('create database if not exists ' ~ schema) -%}
  {%- endfor -%}
  {%- set names = exact.engine_nodes() | map(attribute='alias') | list + ['run_metrics'] -%}
  {%- set rows = exact.fetch(
    statements + exact.set_session_sql() + [exact.create_trash_sql()] + exact.create_logs_sql()
    + ['show table extended in ' ~ target.schema ~ " like '" ~ names | join('|') ~ "'"]
  ) -%}
  {%- set memory = exact.run_memory() -%}
  {%- for row in rows -%}
    {%- do memory.tables.update({row.tablename: {
      'described': modules.re.findall('exact[.]described=([^],]*)', row.information) | first,
      'columns': modules.re.findall('[|]-- ([^:]*):', row.information),
      'location': modules.re.findall('(?m)^Location: *(.*)$', row.information) | first,
    }}) -%}
  {%- endfor -%}
  {%- do exact.check_places(memory.tables) -%}
  {%- do exact.check_seeds(memory.tables) if flags.WHICH == 'run' -%}
{% endmacro %}

{# A table that lies elsewhere than the project says would be read there and listed here. #}
{% macro check_places(tables) %}
  {%- for node in exact.engine_nodes() if node.alias in tables -%}
    {%- set place = exact.table_location(node) -%}
    {%- if not tables[node.alias].location.endswith(place.split('://')[-1]) -%}
      {{- exceptions.raise_compiler_error(
        exact.relation_name(node) ~ ' lies in ' ~ tables[node.alias].location ~ ', not in ' ~ place
        ~ '. Set the base back, use another schema, or drop the table from the catalog'
        ~ ' to build it at the new place.'
      ) -}}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}

{# dbt run does not load seeds; without them its models would fail one by one, halfway. #}
{% macro check_seeds(tables) %}
  {%- for node in graph.nodes.values()
    if node.resource_type == 'seed' and node.package_name == project_name and node.alias not in tables -%}
    {{- exceptions.raise_compiler_error(
      'The seed ' ~ node.alias ~ ' is not loaded in ' ~ target.schema
      ~ '. Run `dbt seed` once, or `dbt build`, which does it.'
    ) -}}
  {%- endfor -%}
{% endmacro %}

{# Runs statements, lists all tables, and takes in what the manifest, the catalog and the claims
   of others say, in one query. #}
{% macro look_at_tables(statements, writes, here) %}
  {%- set memory = exact.run_memory() -%}
  {#- A session may live longer than a run, and keeps listings of tables that others write to. -#}
  {%- set refresh = [] -%}
  {%- for node in exact.engine_nodes() if node.alias in memory.tables -%}
    {%- do refresh.append('refresh table ' ~ exact.relation_name(node)) -%}
  {%- endfor -%}
  {%- set found = exact.take_in_state(
    exact.fetch(statements + refresh + exact.list_tables_sql() + [exact.state_sql(writes, here)])
  ) -%}
  {%- do memory.update({'claimed': writes}) -%}
  {%- if writes and exact.hold_or_withdraw(found.claims) -%}
    {%- set found = exact.take_in_state(
      exact.fetch(refresh + exact.list_tables_sql() + [exact.state_sql(writes, here)])
    ) -%}
    {{- return(exact.check_and_repair(found, writes)) -}}
  {%- endif -%}
  {{- return(exact.check_and_repair(found, writes)) -}}
{% endmacro %}

{% macro check_and_repair(found, writes) %}
  {%- if found.zone not in ('UTC', 'Etc/UTC', 'GMT', 'Z') -%}
    {%- do exact.run_statements(exact.release_sql([exact.claim_owner()])) if writes -%}
    {{- exceptions.raise_compiler_error(
      'The time zone of the session is ' ~ found.zone ~ ', in which a day is another one.'
      ~ ' Set spark.sql.session.timeZone: UTC in profiles.yml,'
      ~ ' under server_side_parameters or conf (see profiles.yml.example).'
    ) -}}
  {%- endif -%}
  {%- do exact.repair_catalog(found.differing) if writes -%}
{% endmacro %}

{# Gives the catalog the partitions that the folder of a table has: another catalog may have made
   them, or lost them. Readers go by the catalog. differing: [[node, missing in the catalog,
   missing in the folder], ...]. #}
{% macro repair_catalog(differing) %}
  {%- set statements = [] -%}
  {%- for node, missing, surplus in differing -%}
    {%- set relation = exact.relation_name(node) -%}
    {%- do log(
      relation ~ ': the catalog did not know ' ~ missing | length ~ ' partitions, and knew '
      ~ surplus | length ~ ' that are not there. It is put right.', info=true
    ) -%}
    {%- for verb, partitions, separator in [
      ('add if not exists ', missing, ' '), ('drop if exists ', surplus, ', ')
    ] -%}
      {%- for some in partitions | batch(200) -%}
        {%- do statements.append(
          'alter table ' ~ relation ~ ' ' ~ verb ~ exact.partition_specs(node, some) | join(separator)
        ) -%}
        {#- Where no file is, a folder may be. -#}
        {%- do statements.extend(
          exact.delete_folders_sql(exact.partition_folders(node, some))
        ) if partitions == surplus -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- do exact.run_statements(statements) -%}
{% endmacro %}
