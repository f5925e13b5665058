{# The technical column before the partition column: what a partition was built from (partition_plan). #}
{% macro technical_column() %}{{- return('source_version') -}}{% endmacro %}

{# The partition column of a model, by default of the one that runs; one at most. #}
{% macro partition_column(node=none) %}
  {%- set columns = node.config.partition_by if node else config.get('partition_by') -%}
  {{- return((columns if columns is string else columns[0]) if columns else none) -}}
{% endmacro %}

{# Makes sure that the table exists with the columns of its contract. Returns its properties, in which the
   project keeps what belongs to the table: save_properties writes back what changed.

   CREATE TABLE AS, which both adapters use, fails on a folder that is not empty and leaves no table behind
   (adapters/README.md 2), so a table is created empty and filled by an insert. --full-refresh drops nothing but
   the catalog's entry, only where the columns changed, and only after the contract was checked. #}
{% macro prepare_table(relation, sql) %}
  {%- set existing = load_relation(relation) -%}
  {%- set properties = table_properties(relation) if existing else {} -%}
  {%- set contract = local_md5(tojson(contract_columns(comments=true)) ~ model.description) -%}
  {%- set location = gold_location(model) -%}
  {%- if existing and properties.get('gold.location', location) != location -%}
    {{- exceptions.raise_compiler_error(
      relation ~ ' lies at ' ~ properties['gold.location'] ~ ', but GOLD_BASE says ' ~ location
      ~ '. Set GOLD_BASE back, or drop the table from the catalog to build it at the new place.'
    ) -}}
  {%- endif -%}
  {%- if existing and properties.get('gold.contract') != contract -%}
    {%- set actual = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
      {%- do actual.append([column.name, column.dtype]) -%}
    {%- endfor -%}
    {%- if actual == contract_columns() -%}
      {%- do comment_columns(relation) -%}
    {%- elif should_full_refresh() -%}
      {%- do assert_contract(sql, properties) -%}
      {%- do run_sql('drop table ' ~ relation) -%}
      {%- if actual[-1][0] != contract_columns()[-1][0] -%}
        {%- do run_sql(delete_folders_sql([location])) -%}
      {%- endif -%}
      {%- set existing = none -%}
    {%- else -%}
      {{- exceptions.raise_compiler_error(
        'The contract of ' ~ relation ~ ' changed.' ~ column_differences(contract_columns(), actual)
        ~ ' Rebuild it: dbt build --full-refresh --select ' ~ model.name ~ '+'
      ) -}}
    {%- endif -%}
  {%- endif -%}
  {%- if not existing -%}
    {%- do assert_contract(sql, properties) -%}
    {%- do run_sql([create_table_sql(relation, location)] + (['msck repair table ' ~ relation] if partition_column() else [])) -%}
    {%- set checked = properties['gold.checked'] -%}
    {%- set properties = {'gold.suspect_since': '0'} -%}
  {%- endif -%}
  {%- do properties.update({'gold.contract': contract, 'gold.location': location, 'saved': tojson(properties)}) -%}
  {%- do properties.update({'gold.checked': checked}) if checked -%}
  {{- return(properties) -}}
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
{% endmacro %}

{% macro table_properties(relation) %}
  {%- set properties = {} -%}
  {%- for row in fetch('show tblproperties ' ~ relation) if row.key.startswith('gold.') -%}
    {%- do properties.update({row.key: row.value}) -%}
  {%- endfor -%}
  {{- return(properties) -}}
{% endmacro %}

{% macro save_properties(relation, properties) %}
  {%- set saved = fromjson(properties.pop('saved')) -%}
  {%- do properties.update({'gold.suspect_since': ''}) if properties.get('gold.suspect_since') -%}
  {%- set changed = [] -%}
  {%- for key, value in properties.items() if saved.get(key) != value -%}
    {%- do changed.append(sql_text(key) ~ '=' ~ sql_text(value)) -%}
  {%- endfor -%}
  {%- if changed -%}
    {%- do run_sql('alter table ' ~ relation ~ ' set tblproperties (' ~ changed | join(', ') ~ ')') -%}
  {%- endif -%}
{% endmacro %}
