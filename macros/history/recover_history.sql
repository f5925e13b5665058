{# A history is its files in Gold; a catalog only knows which of Iceberg's metadata files is the
   last. A catalog can be lost, and where two machines build the same Gold by turns, the catalog of
   each does not see what the other wrote: both would begin a second history without a word. So the
   metadata file with the highest number counts. Returns whether there is a history. #}
{% macro recover_history(node) %}
  {%- set table = exact.relation_name(node) -%}
  {%- set known = history_of(node) -%}
  {%- set last = last_metadata(node) -%}
  {%- if known and last -%}
    {%- set current = exact.fetch([
      'select max_by(' ~ metadata_number('file') ~ ', timestamp) as number from history.' ~ table
      ~ '.metadata_log_entries'
    ])[0] -%}
  {%- endif -%}
  {%- if not last or (known and current.number >= last.number) -%}
    {{- return(known | length > 0) -}}
  {%- endif -%}
  {%- set written = exact.fetch([
    'create or replace temporary view history_metadata_text using text options (path '
    ~ exact.sql_text(last.path) ~ ')',
    "select get_json_object(value, '$.location') as location from history_metadata_text",
  ])[0].location -%}
  {%- if exact.plain_path(written or '') != exact.plain_path(history_location(node)) -%}
    {{- exceptions.raise_compiler_error(
      history_location(node) ~ ' has a history that was written in ' ~ written ~ '. Iceberg keeps full paths,'
      ~ ' so that it can be read nowhere else. Nothing was touched. Set GOLD_BASE to the place where it was'
      ~ ' written, or begin a new history here: dbt run-operation drop_history'
    ) -}}
  {%- endif -%}
  {%- do exact.run_statements(
    (['drop table history.' ~ table] if known else [])
    + ["call history.system.register_table(table => '" ~ table ~ "', metadata_file => "
       ~ exact.sql_text(last.path) ~ ')']
  ) -%}
  {%- do log(
    'The catalog did not know the last state of ' ~ table ~ '. Taken over: ' ~ last.path, info=true
  ) -%}
  {{- return(true) -}}
{% endmacro %}

{# {path, number} of the metadata file with the highest number; none where there is no file. The
   folder of the table that the snapshot reads is there, and a pattern has to match something. #}
{% macro last_metadata(node) %}
  {%- set source = graph.nodes[node.depends_on.nodes | first] -%}
  {%- set places = [
    exact.below_base(exact.table_location(source)), exact.below_base(history_location(node)) ~ '/metadata',
  ] -%}
  {{- return(exact.fetch([
    'create or replace temporary view history_metadata using binaryFile options (path '
    ~ exact.sql_text(exact.warehouse_base() ~ '/{' ~ places | join(',') ~ '}')
    ~ ", recursiveFileLookup true, pathGlobFilter '*.metadata.json')",
    'select path, ' ~ metadata_number('path') ~ ' as number from history_metadata'
    ~ ' order by number desc nulls last, modificationTime desc limit 1'
  ]) | first) -}}
{% endmacro %}

{# 00012-a1b2….metadata.json is the thirteenth state of a table. #}
{% macro metadata_number(path) %}
  {{- return('try_cast(regexp_extract(' ~ path ~ ", '/([0-9]+)-[^/]*$', 1) as int)") -}}
{% endmacro %}

{% macro history_location(node) %}
  {{- return(node.config.location_root ~ '/' ~ node.alias) -}}
{% endmacro %}
