{# Writes the lake of a step: three files at first; then a late one, a corrected one, one that is
   gone, and all of them back at the start. #}
{% macro make_lake(step=0) %}
  {%- set first = {
    'monday': "('a', timestamp '2024-05-06 08:00:00', 11.5), ('b', timestamp '2024-05-06 09:00:00', 12.0)",
    'tuesday': "('a', timestamp '2024-05-07 08:00:00', 14.0), ('a', timestamp '2024-05-06 23:59:59', 9.5)",
    'wednesday': "('c', timestamp '2024-05-08 08:00:00', -1.0)",
  } -%}
  {%- set late = "('b', timestamp '2024-05-06 12:00:00', 20.5)" -%}
  {%- set lakes = [
    first,
    dict(first, late=late),
    dict(first, late=late, tuesday="('a', timestamp '2024-05-07 08:00:00', 15.0)"),
    dict(monday=first.monday, late=late, tuesday="('a', timestamp '2024-05-07 08:00:00', 15.0)"),
    first,
  ] -%}
  {%- set lake = env_var('EXACT_BASE', '/tmp/exact') ~ '/lake/readings' -%}
  {%- set before = lakes[step - 1] if step else {} -%}
  {%- set statements = ['create database if not exists ' ~ target.schema, exact.create_trash_sql()] -%}
  {%- for file in before if file not in lakes[step] -%}
    {%- do statements.extend(exact.delete_folders_sql([lake ~ '/' ~ file])) -%}
  {%- endfor -%}
  {%- for file, rows in lakes[step].items() if before.get(file) != rows -%}
    {%- do statements.append(
      "insert overwrite directory '" ~ lake ~ '/' ~ file
      ~ "' using parquet select /*+ coalesce(1) */ * from values " ~ rows
      ~ ' as t (sensor, taken_at, celsius)'
    ) -%}
  {%- endfor -%}
  {%- do exact.run_statements(statements) -%}
{% endmacro %}
