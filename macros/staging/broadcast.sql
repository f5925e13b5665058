{# The hint that copies a table to every task, which saves a shuffle of the other side of a join. Only
   while it has at most broadcast_rows rows: Spark obeys the hint whatever the size, and a driver that
   runs out of memory ends the run. #}
{% macro broadcast(alias, table) %}
  {%- if 0 < exact.rows_of(table) <= var('broadcast_rows') | int -%}
    {{- exact.volatile('/*+ broadcast(' ~ alias ~ ') */') -}}
  {%- endif -%}
{% endmacro %}
