{# Overwrites the stale partitions and drops those without inputs. Returns what it did, for run_metrics. #}
{% macro update_partitions(relation, sql, table) %}
  {%- set plan = partition_plan(relation, sql, table) -%}
  {%- set done = {
    'checked': plan.checked, 'rebuilt': 0, 'dropped': 0, 'rows_written': 0, 'files': 0, 'bytes': 0
  } -%}
  {%- set written = {} -%}
  {%- if plan.stale -%}
    {%- set pruned = prune_silver(sql, plan.files) -%}
    {%- for chunk in plan.stale.items() | batch(var('partitions_per_statement')) -%}
      {%- if plan.stale | length > chunk | length -%}
        {%- do log(relation ~ ': partitions ' ~ chunk[0][0] ~ ' to ' ~ chunk[-1][0], info=true) -%}
      {%- endif -%}
      {%- do table.pending.extend([dynamic_overwrite_sql(), overwrite_sql(relation, pruned, chunk)]) -%}
      {%- if not loop.last -%}
        {%- do run_pending(table.pending) -%}
      {%- endif -%}
    {%- endfor -%}
    {#- Read by the table of rejected rows in this very run; the others are remembered at its end, together. -#}
    {%- if model.name in graph.nodes.values() | map(attribute='config.meta.complete_in') | list -%}
      {%- do table.pending.extend(remember_files_sql([[model, plan.stale | list]])) -%}
    {%- else -%}
      {%- do done.update({'written': plan.stale | list}) -%}
    {%- endif -%}
    {%- do written.update(written_partitions(plan.stale | list, table.pending)) -%}
    {#- An overwrite with no rows keeps the old partition (adapters/README.md 4). -#}
    {%- for p, row in written.items() if row.version != plan.stale.get(p, plan.stale.get('*')) -%}
      {%- do plan.gone.update({p: plan.stale.get(p, '')}) -%}
    {%- endfor -%}
    {%- do plan.absent.update(plan.stale) -%}
  {%- endif -%}
  {%- for p, row in written.items() if p not in plan.gone -%}
    {%- do done.update({
      'rebuilt': done.rebuilt + 1,
      'rows_written': done.rows_written + row.written_rows,
      'files': done.files + row.files,
      'bytes': done.bytes + row.bytes,
    }) -%}
  {%- endfor -%}
  {%- do done.update({'checked': [done.checked, done.rebuilt] | max}) -%}
  {%- if plan.gone -%}
    {%- do table.pending.extend(drop_partitions_sql(relation, plan.gone)) -%}
    {%- do plan.absent.update(plan.gone) -%}
    {%- do done.update({'dropped': plan.gone | length}) -%}
  {%- endif -%}
  {%- if plan.absent or plan.stale -%}
    {%- do table.properties.update({'gold.absent': absent_partitions(plan, written)}) -%}
  {%- endif -%}
  {{- return(done) -}}
{% endmacro %}

{# A checksum of the partitions that have inputs and, after this run, no rows. #}
{% macro absent_partitions(plan, written) %}
  {%- set left = [] -%}
  {%- for p, version in plan.absent.items() if version and (p in plan.gone or p not in written) and not (p == '*' and written) -%}
    {%- do left.append(p ~ '=' ~ version) -%}
  {%- endfor -%}
  {{- return(local_md5(left | sort | join(','))) -}}
{% endmacro %}

{# Has the model read no Silver file but these, where they are few: a day's rows may lie in any file, so that no
   other predicate keeps Spark from opening them all. #}
{% macro prune_silver(sql, files) %}
  {%- set pruned = namespace(sql=sql) -%}
  {%- for name in config.get('meta').inputs if '.' in name and files | length <= var('files_per_filter') -%}
    {%- set table = source(*name.split('.')) | string -%}
    {%- set pruned.sql = pruned.sql | replace(
      'from ' ~ table, 'from (select * from ' ~ table ~ ' where file_path in (' ~ path_literals(files) ~ '))'
    ) -%}
  {%- endfor -%}
  {{- return(pruned.sql) -}}
{% endmacro %}

{# Literals, not a subquery: only they prune files before one is opened. #}
{% macro overwrite_sql(relation, sql, partitions) %}
  {%- set column = partition_column() -%}
  {%- set whole = partitions[0][0] == '*' -%}
  insert overwrite table {{ relation }} partition ({{ column }})
  select
    {{- ' /*+ broadcast(v) */' if not whole }}
    {%- for name, _ in contract_columns() if name not in (technical_column(), column) %}
      q.{{ name }},
    {%- endfor %}
      {{ 'cast(' ~ partitions[0][1] ~ ' as bigint)' if whole else 'v.version' }} as {{ technical_column() }},
      q.{{ column }}
  from (
  {{ sql }}
  ) as q
  {%- if not whole %}
  inner join
      (values {% for p, version in partitions %}({{ partition_literals([p]) }}, {{ version }}L){{ ', ' if not loop.last }}{% endfor %}) as v (p, version)
      on q.{{ column }} = v.p
  where q.{{ column }} in ({{ partition_literals(partitions | map('first')) }})
  {%- endif %}
  {%- if config.get('meta').sorted_by %}
  sort by {{ column }}, {{ config.get('meta').sorted_by }}
  {%- endif %}
{% endmacro %}

{% macro partition_literals(values, node=none) %}
  {%- set type = (node or model).columns[partition_column(node)].data_type -%}
  {%- set literals = [] -%}
  {%- for value in values -%}
    {%- do literals.append(value if type == 'int' else (type if type == 'date' else '') ~ "'" ~ value ~ "'") -%}
  {%- endfor -%}
  {{- return(literals | join(', ')) -}}
{% endmacro %}
