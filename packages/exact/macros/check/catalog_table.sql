{# What the catalog has of a table, against what the project says. Returns {change, columns,
   same_partitions: whether its partition column is the project's}.
   change is
   - new: there is no such table;
   - replace: it is to be made anew, for new columns (--full-refresh), or because something else
     than the engine made it;
   - columns: its columns are not the contract's, and nobody asked to replace them;
   - comments: only descriptions changed;
   - none. #}
{% macro catalog_table(node, relation) %}
  {%- set found = exact.run_memory().tables.get(relation.identifier) -%}
  {%- if not found -%}
    {{- return({'change': 'new', 'columns': [], 'same_partitions': true}) -}}
  {%- endif -%}
  {%- if found.described == exact.description_version(node) -%}
    {{- return({'change': none, 'columns': [], 'same_partitions': true}) -}}
  {%- endif -%}
  {%- set columns = [] -%}
  {%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do columns.append([column.name, column.dtype]) -%}
  {%- endfor -%}
  {%- set same = exact.in_catalog(node) -%}
  {%- if columns == exact.contract_columns(node) and same -%}
    {{- return({'change': 'comments', 'columns': columns, 'same_partitions': same}) -}}
  {%- elif should_full_refresh() or not found.described -%}
    {{- return({'change': 'replace', 'columns': columns, 'same_partitions': same}) -}}
  {%- endif -%}
  {{- return({'change': 'columns', 'columns': columns, 'same_partitions': same}) -}}
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

{# schema.table, of any node: ref() takes only those that a model names. #}
{% macro relation_name(node) %}
  {{- return(node.schema ~ '.' ~ node.alias) -}}
{% endmacro %}
