{# The statements that bring a table up to date: those that make or describe it, then one insert
   per chunk. Returns a list of lists, each of which is followed by its record: a backfill that is
   killed goes on at the next chunk. #}
{% macro apply(plan) %}
  {%- set chunks = [] -%}
  {%- if not plan.column -%}
    {%- do chunks.append(
      {'partitions': plan.rebuild | list, 'statements': exact.write_rows_sql(plan)}
    ) if plan.rebuild -%}
  {%- elif not plan.by_partition -%}
    {%- do chunks.append(
      {'partitions': plan.rebuild | list, 'statements': exact.overwrite_sql(plan, none)}
    ) if plan.rebuild -%}
  {%- else -%}
    {%- for partitions in plan.rebuild | sort | batch(exact.setting('partitions_per_statement')) -%}
      {%- do chunks.append(
        {'partitions': partitions, 'statements': exact.overwrite_sql(plan, partitions)}
      ) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- set first = exact.prepare_table_sql(plan)
    + exact.drop_partitions_sql(plan.node, plan.drop) -%}
  {%- if not chunks and (first or plan.compared) -%}
    {%- do chunks.append({'partitions': [], 'statements': []}) -%}
  {%- endif -%}
  {%- for chunk in chunks -%}
    {%- do chunk.update(
      {'number': loop.index, 'statements': (first if loop.first else []) + chunk.statements}
    ) -%}
  {%- endfor -%}
  {{- return(chunks) -}}
{% endmacro %}

{# Statements that write partitions, or the whole table where none are named. The model's SQL
   describes the whole table; Spark pushes the predicate down to the files. Literals, since no
   other predicate prunes a file before it is opened. #}
{% macro overwrite_sql(plan, partitions) %}
  {%- set sorted_by = exact.declaration(plan.node).sorted_by -%}
  {%- set insert -%}
    insert overwrite table {{ plan.relation }} partition ({{ plan.column }})
    select {{ plan.node.columns | join(', ') }}
    from (
    {{ exact.prune_sources(plan) }}
    )
    {%- if partitions %}
    where {{ plan.column }} in ({{ exact.partition_literals(plan, partitions) }})
    {%- else %}
    where cast({{ plan.column }} as string) != ''
    {%- endif %}
    {%- if sorted_by %}
    sort by {{ plan.column }}, {{ sorted_by }}
    {%- endif %}
  {%- endset -%}
  {{- return([exact.dynamic_overwrite_sql(), insert]) -}}
{% endmacro %}

{# Statements that drop partitions from the catalog and delete their files: a table with a
   LOCATION is external, and dropping leaves the files, which a repair or --full-refresh would
   bring back to life (adapter/README.md 2). #}
{% macro drop_partitions_sql(node, partitions) %}
  {%- set statements = [] -%}
  {#- As many as one statement on Glue can name. -#}
  {%- for some in partitions | batch(200) -%}
    {%- do statements.append(
      'alter table ' ~ exact.relation_name(node) ~ ' drop if exists '
      ~ exact.partition_specs(node, some) | join(', ')
    ) -%}
    {%- do statements.extend(exact.delete_folders_sql(exact.partition_folders(node, some))) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{# ["partition (day='2024-05-06')", ...] #}
{% macro partition_specs(node, partitions) %}
  {%- set specs = [] -%}
  {%- for p in partitions -%}
    {%- do specs.append('partition (' ~ exact.partition_column(node) ~ '=' ~ exact.sql_text(p) ~ ')') -%}
  {%- endfor -%}
  {{- return(specs) -}}
{% endmacro %}

{% macro partition_folders(node, partitions) %}
  {%- set folders = [] -%}
  {%- for p in partitions -%}
    {%- do folders.append(
      exact.table_location(node) ~ '/' ~ exact.partition_column(node) ~ '=' ~ exact.folder_name(p)
    ) -%}
  {%- endfor -%}
  {{- return(folders) -}}
{% endmacro %}

{% macro partition_literals(plan, values) %}
  {%- set type = plan.node.columns[plan.column].data_type | lower -%}
  {%- set literals = [] -%}
  {%- for value in values -%}
    {%- do literals.append(
      type ~ exact.sql_text(value) if type in ('date', 'timestamp', 'timestamp_ntz')
      else (exact.sql_text(value) if type.split('(')[0] in ('string', 'varchar', 'char') else value)
    ) -%}
  {%- endfor -%}
  {{- return(literals | join(', ')) -}}
{% endmacro %}
