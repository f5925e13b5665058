{# What decides a table's rows apart from its inputs: its SQL, its contract and those of what it
   reads, how source files are read as text, and the session's settings. What is volatile,
   comments on lines of their own, and the names of schemas are left out. #}
{% macro code_version(node, sql) %}
  {%- set parts = [exact.code_text(node, sql), exact.contract_columns(node), exact.session_settings()] -%}
  {%- for read in exact.relations_read(node) -%}
    {%- if read.resource_type == 'source' -%}
      {%- do parts.append(exact.reading_rules(exact.source_declaration(read))) -%}
    {%- else -%}
      {%- do parts.append(exact.contract_columns(read)) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(local_md5(exact.without_volatile(tojson(parts)))) -}}
{% endmacro %}

{% macro code_text(node, sql) %}
  {%- set text = namespace(sql=exact.without_volatile(sql)) -%}
  {%- for read in exact.relations_read(node) -%}
    {%- set text.sql = text.sql | replace(exact.relation_name(read), read.unique_id) -%}
  {%- endfor -%}
  {%- set lines = [] -%}
  {%- for line in text.sql.split('\n') if line | trim and not (line | trim).startswith('--') -%}
    {%- do lines.append(line | trim) -%}
  {%- endfor -%}
  {{- return(lines | join('\n')) -}}
{% endmacro %}

{# Names and types of the columns that a table's yml promises: [[name, type], ...]. #}
{% macro contract_columns(node) %}
  {%- set columns = [] -%}
  {%- for name, column in node.columns.items() -%}
    {%- do columns.append([name, column.data_type | default(none)]) -%}
  {%- endfor -%}
  {{- return(columns) -}}
{% endmacro %}
