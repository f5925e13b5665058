{# What the catalog has of a table, against what the project says. Returns {change, columns,
   same_partitions: whether its partition column is the project's}.
   change is
   - new: there is no such table;
   - replace: it is to be made anew, for new columns (--full-refresh), or because something else
     than the engine made it, or changed its columns;
   - columns: its columns are not the contract's, and nobody asked to replace them;
   - comments: only descriptions changed;
   - none. #}
{% macro catalog_table(node, relation) %}
  {%- set table = {'change': none, 'columns': [], 'same_partitions': true} -%}
  {%- set found = exact.run_memory().tables.get(relation.identifier) -%}
  {%- if not found -%}
    {%- do table.update({'change': 'new'}) -%}
  {%- elif found.described != exact.description_version(node) or not exact.as_described(node, found) -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
      {%- do table.columns.append([column.name, column.dtype]) -%}
    {%- endfor -%}
    {%- do table.update({'same_partitions': exact.in_catalog(node)}) -%}
    {%- if table.columns == exact.contract_columns(node) and table.same_partitions -%}
      {%- do table.update({'change': 'comments'}) -%}
    {%- elif should_full_refresh() or not found.described
      or found.described == exact.description_version(node) -%}
      {%- do table.update({'change': 'replace'}) -%}
    {%- else -%}
      {%- do table.update({'change': 'columns'}) -%}
    {%- endif -%}
  {%- endif -%}
  {{- return(table) -}}
{% endmacro %}

{# Whether the catalog still has the columns that the engine gave the table. #}
{% macro as_described(node, found) %}
  {{- return(
    found.columns | map('lower') | list == node.columns | map('lower') | list and exact.in_catalog(node)
  ) -}}
{% endmacro %}

{# A table's columns, types and descriptions: kept in the catalog as exact.described, so that
   nothing is asked while they are the same. #}
{% macro description_version(node) %}
  {%- set parts = [node.description, exact.partition_column(node)] -%}
  {%- for name, column in node.columns.items() -%}
    {%- do parts.append([name, column.data_type, column.description]) -%}
  {%- endfor -%}
  {{- return(local_md5(tojson(parts))) -}}
{% endmacro %}

{# The contract's columns and types alone: files of other ones may not be readable by it. #}
{% macro columns_version(node) %}
  {{- return(local_md5(tojson([exact.contract_columns(node), exact.partition_column(node)]))) -}}
{% endmacro %}

{# schema.table, of any node or source: ref() takes only those that a model names. #}
{% macro relation_name(node) %}
  {{- return(node.schema ~ '.' ~ (node.alias or node.identifier)) -}}
{% endmacro %}
