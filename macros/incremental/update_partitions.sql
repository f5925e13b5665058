{# Overwrites the stale partitions and drops those without inputs. Returns what it did, for run_metrics. #}
{% macro update_partitions(relation, sql, properties) %}
  {%- set plan = partition_plan(relation, sql, properties) -%}
  {%- set done = {
    'checked': plan.checked, 'rebuilt': 0, 'dropped': 0, 'rows_written': 0, 'files': 0, 'bytes': 0
  } -%}
  {%- set gone = plan.gone -%}
  {%- if plan.stale -%}
    {%- do assert_contract(sql) -%}
    {#- The statement is only safe in this mode, and dbt-glue never sets it: adapters.md 1. -#}
    {%- do run_sql('set spark.sql.sources.partitionOverwriteMode = dynamic') -%}
    {%- for chunk in plan.stale | batch(var('partitions_per_statement')) -%}
      {%- if plan.stale | length > chunk | length -%}
        {%- do log(relation ~ ': partitions ' ~ chunk[0][0] ~ ' to ' ~ chunk[-1][0], info=true) -%}
      {%- endif -%}
      {%- do run_sql(overwrite_sql(relation, sql, chunk)) -%}
    {%- endfor -%}
    {%- set written = written_partitions(relation, plan.stale) -%}
    {%- set empty = plan.empty -%}
    {%- if plan.stale[0][0] == '*' -%}
      {%- for p, row in written.items() if row.version != plan.stale[0][1] -%}
        {%- do gone.append(p) -%}
      {%- endfor -%}
    {%- else -%}
      {#- An overwrite with no rows keeps the old partition (adapters.md 4). That such a partition is empty is
         remembered beside its fingerprint, or it would be computed again on every run. -#}
      {%- for p, version in plan.stale if written.get(p, {}).version != version -%}
        {%- do gone.append(p) if p in written -%}
        {%- do empty.append(p ~ '=' ~ version) -%}
      {%- endfor -%}
      {#- A catalog takes 4,000 characters; what does not fit is computed again, to no effect. -#}
      {%- do properties.update({'gold.empty': (empty | join(','))[:3900]}) -%}
    {%- endif -%}
    {%- for p, row in written.items() if p not in gone -%}
      {%- do done.update({
        'rebuilt': done.rebuilt + 1,
        'rows_written': done.rows_written + row.written_rows,
        'files': done.files + row.files,
        'bytes': done.bytes + row.bytes,
      }) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if gone -%}
    {%- do drop_partitions(relation, gone) -%}
    {%- do done.update({'dropped': gone | length}) -%}
  {%- endif -%}
  {{- return(done) -}}
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
      (values {% for p, version in partitions %}('{{ p }}', {{ version }}L){{ ', ' if not loop.last }}{% endfor %}) as v (p, version)
      on cast(q.{{ column }} as string) = v.p
  where q.{{ column }} in ({{ partition_literals(partitions | map('first')) }})
  {%- endif %}
{% endmacro %}

{% macro partition_literals(values) %}
  {%- set type = model.columns[partition_column()].data_type -%}
  {%- set literals = [] -%}
  {%- for value in values -%}
    {%- do literals.append(value if type == 'int' else (type if type == 'date' else '') ~ "'" ~ value ~ "'") -%}
  {%- endfor -%}
  {{- return(literals | join(', ')) -}}
{% endmacro %}

{# {partition: {version, written_rows, files, bytes}} of the partitions just written, from the files themselves. #}
{% macro written_partitions(relation, partitions) %}
  {%- set pruned = partitions[0][0] != '*' and partitions | length <= var('partitions_per_statement') -%}
  {%- set written = {} -%}
  {%- set query %}
    select
        p,
        cast(min(version) as string) as version,
        sum(file_rows) as written_rows,
        count(*) as files,
        sum(file_size) as bytes
    from (
        select
            cast({{ partition_column() }} as string) as p,
            _metadata.file_path as file_path,
            _metadata.file_size as file_size,
            min({{ technical_column() }}) as version,
            count(*) as file_rows
        from {{ relation }}
        {{ 'where ' ~ partition_column() ~ ' in (' ~ partition_literals(partitions | map('first')) ~ ')' if pruned }}
        group by 1, 2, 3
    )
    group by p
  {%- endset -%}
  {%- for row in fetch(query) -%}
    {%- do written.update({row.p: {
      'version': row.version, 'written_rows': row.written_rows | int, 'files': row.files | int, 'bytes': row.bytes | int
    }}) -%}
  {%- endfor -%}
  {{- return(written) -}}
{% endmacro %}
