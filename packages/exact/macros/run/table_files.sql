{# Statements that list everything below warehouse_base() once: the view table_listing, a row per
   file with its path below the base. Files are listed, not opened. #}
{% macro list_tables_sql() %}
  {%- set base = exact.warehouse_base() -%}
  {%- set table = target.schema ~ '.exact_listing_' ~ local_md5(base ~ exact.files_that_may_go())[:8] -%}
  {%- set listing %}
    select
        if(
            instr(path, {{ exact.sql_text(base ~ '/') }}) > 0,
            substr(path, instr(path, {{ exact.sql_text(base ~ '/') }}) + {{ base | length + 1 }}),
            raise_error(concat(path, ' is listed: write the base so too, not ', {{ exact.sql_text(base) }}))
        ) as path,
        length,
        modificationTime as modified
    from {{ table }}
  {%- endset -%}
  {{- return(
    [
      exact.forget_sql('table_listing'),
      'create table if not exists ' ~ table
      ~ ' (path string, modificationTime timestamp, length bigint, content binary)'
      ~ ' using binaryFile options (' ~ exact.files_that_may_go() ~ ') location ' ~ exact.sql_text(base),
      'refresh table ' ~ table,
    ]
    + exact.keep_sql('table_listing', listing)
  ) -}}
{% endmacro %}

{# Options of tables over files that another run may delete between their listing and their reading:
   such a file is as good as never seen. Until it is refused, a run looks at what another one writes. #}
{% macro files_that_may_go() %}
  {{- return('recursiveFileLookup true, ignoreMissingFiles true') -}}
{% endmacro %}

{# SQL: a row per partition of each table, with a hash of its set of files, and whether it is stray. #}
{% macro table_files_sql() %}
  {%- set base = exact.warehouse_base() -%}
  {%- set places = [] -%}
  {%- for node in exact.engine_nodes() -%}
    {%- set column = exact.partition_column(node) -%}
    {%- set place = exact.below_base(exact.table_location(node)) ~ '/' ~ (column ~ '=' if column else '') -%}
    {%- set type = (node.columns.get(column, {}).data_type or '') | lower if column -%}
    {%- do places.append(
      "('" ~ node.alias ~ "', " ~ exact.sql_text(place) ~ ', ' ~ ('true' if column else 'false')
      ~ ", '" ~ (type if type in exact.types_of_folders() else '') ~ "')"
    ) -%}
  {%- endfor -%}
  {%- set value = "substring_index(substr(listed.path, length(places.place) + 1), '/', 1)" %}
  select
      model,
      p,
      files,
      file_count,
      case
          {%- for type in exact.types_of_folders() %}
          when type = '{{ type }}' and p != '__HIVE_DEFAULT_PARTITION__'
              then coalesce(cast(try_cast(p as {{ type }}) as string) != p, true)
          {%- endfor %}
          else false
      end as stray
  from (
      select
          places.model,
          places.type,
          if(places.partitioned, {{ exact.unescaped_sql(value) }}, '{{ exact.whole_table() }}') as p,
          bit_xor(xxhash64(substring_index(listed.path, '/', -1), listed.length)) as files,
          count(*) as file_count
      from {{ exact.temporary('table_listing') }} as listed
      inner join (values {{ places | join(', ') }}) as places (model, place, partitioned, type)
          on startswith(listed.path, places.place)
      group by 1, 2, 3
  )
{% endmacro %}

{# Types of partition columns whose values can be written in more than one way. A folder that has such a
   value as nobody writes it is stray: `event_date=2024-01-05 (copy)` means the fifth to Spark, which
   would drop that day of the catalog instead (PartitioningUtils, Spark 3.5 and 4.1), and
   `2024-01-05.bak` is an error of its `alter table`. #}
{% macro types_of_folders() %}{{- return(['date', 'int', 'bigint']) -}}{% endmacro %}

{# It is left alone: somebody has put it there. Readers by the catalog do not see it. #}
{% macro warn_of_stray_folder(node, value) %}
  {%- do log(
    exact.table_location(node) ~ '/' ~ exact.partition_column(node) ~ '=' ~ value
    ~ ' is no partition of ' ~ node.alias ~ ', and is left alone. Move it out of Gold: whoever reads the'
    ~ ' files themselves reads it too.', info=true
  ) -%}
{% endmacro %}

{# Whether the catalog has the table, with the partition column that it has in the project. #}
{% macro in_catalog(node) %}
  {%- set found = exact.run_memory().tables.get(node.alias) -%}
  {{- return(
    found is not none
    and (found.partitioned_by or '') | lower == (exact.partition_column(node) or '') | lower
  ) -}}
{% endmacro %}

{# SQL: the partitions that the catalog has, of tables that are in it: [model, p]. Spark takes
   them from the catalog alone (spark.sql.optimizer.metadataOnly). #}
{% macro catalog_partitions_sql() %}
  {%- set selects = ["select '' as model, '' as p where false"] -%}
  {%- for node in exact.engine_nodes() if exact.partition_column(node) and exact.in_catalog(node) -%}
    {%- set column = exact.partition_column(node) -%}
    {%- do selects.append(
      "select '" ~ node.alias ~ "' as model, coalesce(cast(" ~ column
      ~ " as string), '__HIVE_DEFAULT_PARTITION__') as p from "
      ~ exact.relation_name(node) ~ ' group by ' ~ column
    ) -%}
  {%- endfor -%}
  {{- return(selects | join(' union all ')) -}}
{% endmacro %}
