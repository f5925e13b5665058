{# Tables of facts about immutable files, beside Gold: which types and days a Silver file holds, which fingerprint a
   Gold file. A file is known by its path, size and time of modification. What is lost is read again, from the files. #}
{% macro create_caches_sql() %}
  {%- set statements = [] -%}
  {%- set file = 'file_path string, file_size bigint, file_modified timestamp, ' -%}
  {%- for name, columns in {
    'file_types': 'types string, dataset string',
    'file_days': 'rules string, true_in string, day date, file_rows bigint, valid_moments bigint, dataset string',
    'gold_files': 'source_version bigint, file_rows bigint, model string',
  }.items() -%}
    {%- do statements.append(
      'create table if not exists ' ~ cache_table(name) ~ ' (' ~ file ~ columns ~ ') using parquet partitioned by ('
      ~ cache_partition(name) ~ ') location ' ~ sql_text(gold_base() ~ '/audit/' ~ name)
    ) -%}
  {%- endfor -%}
  {{- return(statements) -}}
{% endmacro %}

{% macro cache_table(name) %}
  {{- return((target.schema if name == 'gold_files' else silver_schema()) ~ '.' ~ name) -}}
{% endmacro %}

{% macro cache_partition(name) %}
  {{- return('model' if name == 'gold_files' else 'dataset') -}}
{% endmacro %}

{# Rewrites the partitions that get new rows, one file each; a dynamic overwrite may read what it writes. #}
{% macro add_to_cache_sql(name, partitions, query) %}
  {%- set column = cache_partition(name) -%}
  {{- return([
    dynamic_overwrite_sql(),
    'insert overwrite table ' ~ cache_table(name) ~ ' partition (' ~ column ~ ') select /*+ coalesce(1) */ distinct * from (select * from '
    ~ cache_table(name) ~ ' where ' ~ column ~ " in ('" ~ partitions | join("', '") ~ "') union all " ~ query ~ ')',
  ]) -}}
{% endmacro %}
