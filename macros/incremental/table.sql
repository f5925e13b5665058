{# The technical column before the partition column: what a partition was built from (partition_plan). #}
{% macro technical_column() %}{{- return('source_version') -}}{% endmacro %}

{# The partition column of a model, by default of the one that runs; one at most. #}
{% macro partition_column(node=none) %}
  {%- set columns = node.config.partition_by if node else config.get('partition_by') -%}
  {{- return((columns if columns is string else columns[0]) if columns else none) -}}
{% endmacro %}

{# Makes sure that the table exists with the columns of its contract. Returns what is known of it:
   - new: whether it is made by this run;
   - properties: what the project keeps in the catalog, names that begin with gold. finish_run saves those that changed, all
     tables' in one query. What is lost by a kill costs another look, no more;
   - saved: the same, as the catalog has them;
   - pending: statements that wait for the next query (fetch).

   CREATE TABLE AS, which both adapters use, fails on a folder that is not empty and leaves no table behind
   (adapters/README.md 2), so a table is created empty and filled by an insert. --full-refresh drops nothing but
   the catalog's entry, only where the columns changed, and only after the contract was checked. #}
{% macro prepare_table(relation, sql) %}
  {#- Spark's own word, at the start of the run: dbt-glue's may be an error that it took for an empty list (adapters/README.md 6). -#}
  {%- set existing = relation.identifier in graph.gold_tables -%}
  {%- set saved = graph.gold_tables.get(relation.identifier, {}) -%}
  {%- set table = {'new': not existing, 'properties': dict(saved), 'saved': saved, 'pending': []} -%}
  {%- set contract = local_md5(tojson(contract_columns(comments=true)) ~ model.description) -%}
  {%- set location = gold_location(model) -%}
  {#- Hashed: Spark shows no value that contains `url` or `token`. -#}
  {%- set place = local_md5(location) -%}
  {%- if existing and saved.get('gold.place', place) != place -%}
    {{- exceptions.raise_compiler_error(
      relation ~ ' lies elsewhere than GOLD_BASE says, ' ~ location
      ~ '. Set GOLD_BASE back, or drop the table from the catalog to build it at the new place.'
    ) -}}
  {%- endif -%}
  {%- if existing and saved.get('gold.contract') != contract -%}
    {%- set actual = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
      {%- do actual.append([column.name, column.dtype]) -%}
    {%- endfor -%}
    {%- if actual == contract_columns() -%}
      {%- do table.pending.extend(comments_sql(relation)) -%}
    {%- elif should_full_refresh() -%}
      {%- do assert_contract(sql, table, fetch('select ' ~ types_sql(sql, {'properties': {}}) ~ ' as types')[0].types) -%}
      {%- do table.pending.append('drop table ' ~ relation) -%}
      {%- if actual[-1][0] != contract_columns()[-1][0] -%}
        {%- do table.pending.extend(delete_folders_sql([location])) -%}
      {%- endif -%}
      {%- set existing = false -%}
    {%- else -%}
      {{- exceptions.raise_compiler_error(
        'The contract of ' ~ relation ~ ' changed.' ~ column_differences(contract_columns(), actual)
        ~ ' Rebuild it: dbt build --full-refresh --select ' ~ model.name ~ '+'
      ) -}}
    {%- endif -%}
  {%- endif -%}
  {%- if not existing -%}
    {#- SQL that Spark cannot read leaves no table behind. -#}
    {%- do table.pending.extend(['describe query ' ~ sql, create_table_sql(relation, location)]) -%}
    {%- do table.pending.append('msck repair table ' ~ relation) if partition_column() -%}
    {%- set saved = {'gold.suspect_since': '0'} -%}
    {%- set properties = {'gold.suspect_since': '0', 'gold.checked': table.properties.get('gold.checked')} -%}
    {%- do table.update({'new': true, 'properties': properties, 'saved': saved}) -%}
  {%- endif -%}
  {%- do table.properties.update({'gold.contract': contract, 'gold.place': place}) -%}
  {{- return(table) -}}
{% endmacro %}

{% macro create_table_sql(relation, location) %}
  create table if not exists {{ relation }} (
  {%- for column in contract_columns(comments=true) %}
    {{ column[0] }} {{ column[1] }} comment {{ sql_comment(column[2]) }}{{ ',' if not loop.last }}
  {%- endfor %}
  ) using parquet
  {% if partition_column() %}partitioned by ({{ partition_column() }}){% endif %}
  location {{ sql_text(location) }}
  comment {{ sql_comment(model.description) }}
  {# Files that are there may be of other code and types: none is trusted, or read, before the table was built. #}
  tblproperties ('gold.suspect_since'='0')
{% endmacro %}

{# The properties that the catalog does not have yet; an interrupted run has been taken into account. #}
{% macro changed_properties(table) %}
  {%- set changed = {} -%}
  {%- for name, value in table.properties.items() -%}
    {%- set value = '' if name == 'gold.suspect_since' else value -%}
    {%- do changed.update({name: value}) if table.saved.get(name, '') != value -%}
  {%- endfor -%}
  {{- return(changed) -}}
{% endmacro %}
