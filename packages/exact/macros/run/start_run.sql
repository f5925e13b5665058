{# on-run-start: checks what the run stands on, registers sources, claims the base, and lists what
   is there. What fails here fails before a table is touched. Does nothing while parsing, or for
   commands that only read the project. #}
{% macro start_run() %}
  {%- if execute
    and flags.WHICH in ('run', 'build', 'seed', 'snapshot', 'test', 'freshness', 'retry') -%}
    {%- do exact.check_flags() -%}
    {%- do exact.check_declarations() -%}
    {%- set only_reads = flags.WHICH in ('test', 'freshness') -%}
    {%- set writes = not only_reads and not exact.read_only() -%}
    {%- set sources = exact.engine_sources() if flags.WHICH != 'seed' else [] -%}
    {%- do exact.check_commit_protocol() -%}
    {%- do exact.look_at_catalog(sources) -%}
    {%- set logs = exact.create_logs_sql() -%}
    {%- set here = exact.runs_here() -%}
    {%- set views = exact.register_sources(sources, logs) + exact.source_days_sql()
      if sources else logs -%}
    {%- do exact.run_memory().update({'sources_known': sources | length > 0}) -%}
    {%- if only_reads -%}
      {%- do exact.run_statements(views) -%}
    {%- else -%}
      {%- set claims = exact.claim_sql(here) if writes else exact.look_at_claims_sql() -%}
      {%- do exact.look_at_tables(views + claims, writes, here) -%}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}

{# --sample would write a part of the rows as if it were all; --defer would read tables whose facts
   are in the manifest of another Gold; a range by itself says nothing. #}
{% macro check_flags() %}
  {%- if invocation_args_dict.get('sample') -%}
    {{- exceptions.raise_compiler_error(
      '--sample would leave tables with a part of their rows. Build from a smaller source instead.'
    ) -}}
  {%- endif -%}
  {%- if invocation_args_dict.get('defer') -%}
    {{- exceptions.raise_compiler_error(
      '--defer would read tables of another schema, and what became of their files is not in the manifest of'
      ~ ' this one. Copy the folder of that Gold instead and build there: a run then builds only what your'
      ~ ' change makes stale.'
    ) -}}
  {%- endif -%}
  {%- if (exact.setting('rebuild_from') or exact.setting('rebuild_to'))
    and exact.setting('rebuild') | string | lower != 'true' -%}
    {{- exceptions.raise_compiler_error(
      'rebuild_from and rebuild_to say which days are rebuilt when rebuild is true. Set rebuild: true too.'
    ) -}}
  {%- endif -%}
{% endmacro %}

{# Makes databases and the trash, applies session_settings, and asks the catalog
   which tables there are: its own word, since dbt-glue takes an error for an empty list
   (adapter/README.md 6). #}
{% macro look_at_catalog(sources) %}
  {%- set schemas = [target.schema] + sources | map(attribute='schema') | list -%}
  {%- set statements = [] -%}
  {%- for schema in schemas | unique -%}
    {%- do statements.append('create database if not exists ' ~ schema) -%}
  {%- endfor -%}
  {%- set places = exact.places() -%}
  {%- set rows = exact.fetch(
    statements + exact.set_session_sql() + [exact.create_trash_sql()]
    + ['show table extended in ' ~ target.schema ~ " like '" ~ places | join('|') ~ "'"]
  ) -%}
  {%- set memory = exact.run_memory() -%}
  {%- for row in rows -%}
    {%- do memory.tables.update({row.tablename: {
      'described': modules.re.findall('exact[.]described=([^],]*)', row.information) | first,
      'columns': modules.re.findall('(?m)^ [|]-- ([^:]*):', row.information),
      'partitioned_by':
        modules.re.findall('(?m)^Partition Columns: *.`?([^]`,]+)', row.information) | first or none,
      'of_folders': 'recursiveFileLookup' in row.information,
      'location': modules.re.findall('(?m)^Location: *(.*)$', row.information) | first,
    }}) -%}
  {%- endfor -%}
  {%- do exact.check_places(places, memory.tables) -%}
  {%- do exact.check_seeds(memory.tables) if flags.WHICH == 'run' -%}
{% endmacro %}

{# {table: folder}, of the models' tables and of the engine's own. #}
{% macro places() %}
  {%- set own = {} -%}
  {%- for name in exact.logs() -%}
    {%- do own.update({exact.log_name(name): exact.log_location(name)}) -%}
  {%- endfor -%}
  {%- set places = dict(own) -%}
  {%- for node in exact.engine_nodes() -%}
    {%- set place = exact.table_location(node) -%}
    {%- for folder in own.values() | list + [exact.claims_location()]
      if exact.is_below(place, folder) or exact.is_below(folder, place) -%}
      {{- exceptions.raise_compiler_error(
        node.name ~ ' would lie in ' ~ place ~ ', among files of the engine itself. Give it another name.'
      ) -}}
    {%- endfor -%}
    {%- do places.update({node.alias: place}) -%}
  {%- endfor -%}
  {{- return(places) -}}
{% endmacro %}

{# A table that lies elsewhere than the project says would be read there and listed here. #}
{% macro check_places(places, tables) %}
  {%- for name, place in places.items() if name in tables -%}
    {%- set location = tables[name].location or '' -%}
    {%- if exact.plain_path(location) != exact.plain_path(place) -%}
      {{- exceptions.raise_compiler_error(
        target.schema ~ '.' ~ name ~ ' lies in ' ~ (location or 'no folder (is it a view?)')
        ~ ', not in ' ~ place
        ~ '. Set the base back, use another schema, or drop it from the catalog'
        ~ ' to build it at the new place.'
      ) -}}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}

{# A path without its scheme: catalogs write file:/x and s3a://x for /x and s3://x. #}
{% macro plain_path(path) %}
  {{- return(modules.re.sub('^[a-z0-9]+:', '', path).strip('/')) -}}
{% endmacro %}

{% macro is_below(path, folder) %}
  {{- return((exact.plain_path(path) ~ '/').startswith(exact.plain_path(folder) ~ '/')) -}}
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
  {%- for claim in found.claims if not writes and exact.looks_dead(claim) -%}
    {%- do memory.update({'taken_over': true}) -%}
  {%- endfor -%}
  {#- Where another run had to withdraw, it may have written until then. -#}
  {%- if writes and exact.hold_or_withdraw(found.claims) -%}
    {%- do found.update(exact.take_in_state(
      exact.fetch(refresh + exact.list_tables_sql() + [exact.state_sql(writes, here)])
    )) -%}
  {%- endif -%}
  {%- set owners = [exact.claim_owner()] if writes else [] -%}
  {%- do exact.check_zone(found.zone, owners) -%}
  {%- do exact.check_changed(found.changed, owners) -%}
  {#- A run that is refused has nothing to finish. -#}
  {%- do memory.update({'claimed': writes}) -%}
  {%- do exact.repair_catalog(found.differing) if writes -%}
{% endmacro %}

{# In another zone a day is another one. owners: whose claims are given up then. #}
{% macro check_zone(zone, owners=[]) %}
  {%- if zone not in ('UTC', 'Etc/UTC', 'GMT', 'Z') -%}
    {%- do exact.run_statements(exact.release_sql(owners) + exact.forget_all_sql()) -%}
    {{- exceptions.raise_compiler_error(
      'The time zone of the session is ' ~ zone ~ ', in which a day is another one.'
      ~ ' Set spark.sql.session.timeZone: UTC in profiles.yml,'
      ~ ' under server_side_parameters or conf (see profiles.yml.example).'
    ) -}}
  {%- endif -%}
{% endmacro %}

{# A file that is replaced or deleted after it was listed, and before its days were read, has no days: its
   rows would be taken out of Gold until the next run. #}
{% macro check_changed(file, owners) %}
  {%- if file -%}
    {%- do exact.run_statements(exact.release_sql(owners) + exact.forget_all_sql()) -%}
    {{- exceptions.raise_compiler_error(
      file ~ ' was replaced or deleted while this run looked at it. No table was touched; run again.'
    ) -}}
  {%- endif -%}
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
    {%- for some in missing | batch(200) -%}
      {%- do statements.append(
        'alter table ' ~ relation ~ ' add if not exists ' ~ exact.partition_specs(node, some) | join(' ')
      ) -%}
    {%- endfor -%}
    {#- Where no file is, a folder may be. -#}
    {%- do statements.extend(exact.drop_partitions_sql(node, surplus)) -%}
  {%- endfor -%}
  {%- do exact.run_statements(statements) -%}
{% endmacro %}
