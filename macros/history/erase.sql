{# dbt run-operation erase --args '{user_ids: [u1, u2]}': removes users from what is not built from
   Silver, the history, and says that nothing else has them. They must be gone from Silver, or they
   would come back, and from Gold, which a `dbt build` does once they are gone from Silver. #}
{% macro erase(user_ids) %}
  {%- if execute -%}
  {%- set ids = [] -%}
  {%- for id in user_ids -%}
    {%- do ids.append(exact.sql_text(id | string | trim)) -%}
  {%- endfor -%}
  {%- if not ids -%}
    {{- exceptions.raise_compiler_error("Nobody is named: --args '{user_ids: [u1, u2]}'") -}}
  {%- endif -%}
  {#- Silver and rejected rows may have spaces around an id. -#}
  {%- set theirs = 'trim(user_id) in (' ~ ids | join(', ') ~ ')' -%}
  {%- set silver = rows_of_users(silver_tables(), theirs) -%}
  {%- if silver -%}
    {{- exceptions.raise_compiler_error(
      'Silver still holds them: ' ~ silver | join(', ') ~ '. Nothing was erased.'
      ~ ' Deliver these files without them, run `dbt build`, and erase again.'
    ) -}}
  {%- endif -%}
  {%- set gold = rows_of_users(gold_tables(), theirs) -%}
  {%- if gold -%}
    {{- exceptions.raise_compiler_error(
      'Gold still holds them: ' ~ gold | join(', ') ~ '. Nothing was erased. Run `dbt build`, which'
      ~ ' removes what Silver no longer holds, and erase again.'
    ) -}}
  {%- endif -%}
  {%- do erase_history(theirs) -%}
  {%- endif -%}
{% endmacro %}

{# ['silver.users: 2 rows', ...] of the tables that have rows of a condition. #}
{% macro rows_of_users(tables, condition) %}
  {%- set counts, refresh = [], [] -%}
  {%- for table in tables -%}
    {%- do refresh.append('refresh table ' ~ table) -%}
    {%- do counts.append(
      "select '" ~ table ~ "' as place, count(*) as n from " ~ table ~ ' where ' ~ condition
    ) -%}
  {%- endfor -%}
  {%- set found = [] -%}
  {%- for row in exact.fetch(refresh + [counts | join(' union all ')]) if row.n -%}
    {%- do found.append(row.place ~ ': ' ~ row.n ~ ' rows') -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}

{% macro silver_tables() %}
  {%- set tables = [] -%}
  {%- for source in graph.sources.values()
    if exact.source_declaration(source) and 'user_id' in source.columns -%}
    {%- do tables.append(source.schema ~ '.' ~ source.name) -%}
  {%- endfor -%}
  {{- return(tables) -}}
{% endmacro %}

{% macro gold_tables() %}
  {%- set tables = [] -%}
  {%- for node in exact.engine_nodes() if 'user_id' in node.columns -%}
    {%- do tables.append(exact.relation_name(node)) -%}
  {%- endfor -%}
  {{- return(tables) -}}
{% endmacro %}

{# Iceberg keeps the files of former states of a table; they go too. #}
{% macro erase_history(condition) %}
  {%- for node in graph.nodes.values()
    if node.resource_type == 'snapshot' and node.package_name == project_name and not no_iceberg() -%}
    {%- if recover_history(node) -%}
      {%- set table = exact.relation_name(node) -%}
      {%- set found = rows_of_users(['history.' ~ table], condition) -%}
      {%- do exact.run_statements([
        'delete from history.' ~ table ~ ' where ' ~ condition,
        "call history.system.expire_snapshots(table => '" ~ table
        ~ "', older_than => timestamp '2999-01-01 00:00:00', retain_last => 1)"
      ]) -%}
      {%- do log(
        'Erased: ' ~ (found | first or table ~ ': no row') ~ '. Silver and Gold hold none of them.', info=true
      ) -%}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}
