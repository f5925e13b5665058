{# How many rows there are, as far as the run knows: from the start, or since the table was built.
   For SQL that puts more tasks to more rows and changes none of them, which is `volatile`. Nothing is
   known while dbt only parses or compiles, nor in a unit test. #}

{# {partition: rows} that a table is made from: of source files, and of tables with the same
   partitions. #}
{% macro rows_of_inputs(name) %}
  {%- set rows = {} -%}
  {%- if execute and graph.nodes -%}
    {%- set node = exact.table_named(name) -%}
    {%- for input, expression in exact.declaration(node).inputs.items() -%}
      {%- for read in exact.tables_behind(node, input) -%}
        {%- if read.resource_type == 'source' -%}
          {%- set found = exact.run_memory().sources.get(exact.input_key(node, input, read), {}) -%}
        {%- else -%}
          {%- set alike = expression == exact.partition_column(read) -%}
          {%- set found = exact.partitions_found(read) if alike else {} -%}
        {%- endif -%}
        {%- for p, part in found.items() -%}
          {%- do rows.update({p: rows.get(p, 0) + part.rows}) -%}
        {%- endfor -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endif -%}
  {{- return(rows) -}}
{% endmacro %}

{# The rows of a table; 0 where they are not known. #}
{% macro rows_of(name) %}
  {%- set found = exact.partitions_found(exact.table_named(name)) if execute and graph.nodes else {} -%}
  {{- return(found.values() | map(attribute='rows') | sum) -}}
{% endmacro %}
