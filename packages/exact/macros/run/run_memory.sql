{# What start_run found out and the models of the run go by. It lives for a run, in dbt's graph,
   the one thing that hooks and models share.
   - tables: {table: {described, columns: names, partitioned_by, of_folders, location}}, what the
     catalog has; of_folders: whether it reads the folders within its own, as a log has to;
   - state: {table: {partition: {files, file_count, rows, fact, known}}}: the files of each
     partition, as a hash of the set, and the fact that the manifest has on just this set, none
     where it has none; known: whether it has any fact on the partition. Models bring it up to
     date as they write;
   - codes: {table: {code: true}}, code that the manifest has facts for;
   - sources: {input_key: {partition: {names, states, contents, inputs, rows}}}, what source files
     make of a table's partitions, and by its own name a source as a whole; sources_known: whether
     this run looked at them;
   - days_read: whether it read the days of files that it had not seen before;
   - maps: {input_key: {partition of the input: partition of the table}};
   - nodes, declared_sources, behind: what engine_nodes, engine_sources and
     tables_behind found, so that they look once;
   - facts: {log: [view]}, what a run that writes nothing found out about source files
     (add_facts_sql);
   - logs: {log: [folder]}, the folders of each log (compact_sql); orphans: [table] that no model
     makes any more; taken_over: whether the run before did not end; claimed: whether this run
     holds the base;
   - tests_passed, tests_asked: {test: version}, of the last time and of this run, of data tests;
     no_failure: dbt's result for each that is left out. #}
{% macro run_memory() %}
  {%- if 'exact' not in graph -%}
    {%- do graph.update({'exact': {
      'tables': {}, 'state': {}, 'codes': {}, 'sources': {}, 'maps': {}, 'logs': {}, 'behind': {},
      'facts': {}, 'orphans': [], 'tests_passed': {}, 'tests_asked': {}, 'no_failure': none,
      'sources_known': false, 'days_read': false, 'taken_over': false, 'claimed': false,
    }}) -%}
  {%- endif -%}
  {{- return(graph.exact) -}}
{% endmacro %}

{# The partitions of a table that have files now. #}
{% macro partitions_found(node) %}
  {%- set found = {} -%}
  {%- for p, partition in exact.run_memory().state.get(node.alias, {}).items() if partition.file_count -%}
    {%- do found.update({p: partition}) -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}

{# A hash of all of a table's files. #}
{% macro table_version(node) %}
  {%- set parts = [] -%}
  {%- for p, partition in exact.partitions_found(node) | dictsort -%}
    {%- do parts.append(p ~ ' ' ~ partition.files) -%}
  {%- endfor -%}
  {{- return(exact.short_hash(parts)) -}}
{% endmacro %}

{% macro short_hash(parts) %}{{- return(local_md5(parts | join('|'))[:16]) -}}{% endmacro %}
