{# The columns that Gold uses; others are ignored (gold.md). #}
{% macro silver_columns() %}
  {{- return({
    'events': ['event_id', 'user_id', 'ts', 'country'],
    'users': ['user_id', 'name', 'email', 'city', 'phone', 'age', 'updated_at'],
    'transactions': ['tx_id', 'user_id', 'amount', 'status', 'created_at', 'delivered_at'],
  }) -}}
{% endmacro %}

{# Registers the three datasets under SILVER_BASE as views of text, whatever their files hold.

   Spark reads a folder with one schema, and refuses files that disagree (CANNOT_MERGE_SCHEMAS: an
   all-NULL column written as void, an int that became a double). So files are grouped by the types
   of the used columns, each group is a table over the same folder, and silver.<dataset> is their
   union as text, with each row's file. A file's types are a fact about an immutable file, kept in
   silver.file_types: a cache, which may be lost. #}
{% macro register_silver(pending) %}
  {%- set db = silver_schema() -%}
  {%- do pending.extend(['create database if not exists ' ~ db] + create_caches_sql()) -%}
  {%- for dataset in silver_columns() -%}
    {%- do pending.extend(silver_table_sql(
      silver_files(dataset), dataset, 'path string, modificationTime timestamp, length bigint, content binary', 'binaryFile'
    )) -%}
  {%- endfor -%}
  {%- set groups = silver_groups(pending) -%}
  {%- set unknown = groups | selectattr('types', 'none') | map(attribute='files') | sum(start=[]) -%}
  {%- if unknown -%}
    {%- do assert_readable(unknown) -%}
    {%- do cache_file_types(unknown, pending) -%}
    {%- set groups = silver_groups(pending) -%}
  {%- endif -%}
  {%- for dataset, columns in silver_columns().items() -%}
    {%- set own = groups | selectattr('dataset', 'equalto', dataset) | list -%}
    {%- do pending.extend(register_dataset_sql(db, dataset, columns, own)) -%}
  {%- endfor -%}
  {%- do pending.extend(register_file_days_sql(groups)) -%}
  {%- do run_pending(pending) -%}
{% endmacro %}

{# A table over the files of a dataset as they are now. The name tells the folder, so that tables stay when
   SILVER_BASE changes; Spark keeps a listing for as long as its session lives, so it is refreshed. #}
{% macro silver_table_sql(table, dataset, columns, format, options='') %}
  {{- return([
    'create table if not exists ' ~ table ~ ' (' ~ columns ~ ') using ' ~ format
    ~ " options (recursiveFileLookup true, pathGlobFilter '*.parquet'" ~ options ~ ') location '
    ~ sql_text(silver_base() ~ '/' ~ dataset),
    'refresh table ' ~ table,
  ]) -}}
{% endmacro %}

{# The table that lists the files of a dataset: path, length, modificationTime, and content for who asks. #}
{% macro silver_files(dataset) %}
  {{- return(silver_schema() ~ '.' ~ dataset ~ '__files_' ~ local_md5(silver_base())[:8]) -}}
{% endmacro %}

{% macro silver_listing_sql(datasets) %}
  {%- for dataset in datasets %}
    select
        '{{ dataset }}' as dataset,
        path,
        _metadata.file_path as file_path,
        length as file_size,
        modificationTime as file_modified
    from {{ silver_files(dataset) }}
    {{ 'union all' if not loop.last }}
  {%- endfor -%}
{% endmacro %}

{# [{dataset, types, files}]: the files of each dataset by their types, the largest group first; the types
   are none where the cache does not know them. Each dataset has a file, or it is an error. #}
{% macro silver_groups(pending) %}
  {%- set query %}
    select
        f.dataset,
        c.types,
        to_json(collect_list(struct(
            f.dataset, f.path, f.file_path, f.file_size, cast(f.file_modified as string) as modified,
            d.file_path is not null as days_known
        ))) as files
    from ({{ silver_listing_sql(silver_columns()) }}) as f
    left join (select distinct * from {{ cache_table('file_types') }} where {{ tells_nanoseconds('types') }}) as c
        on f.dataset = c.dataset and f.file_path = c.file_path and f.file_size = c.file_size and f.file_modified = c.file_modified
    left join ({{ known_file_days_sql() }}) as d
        on f.file_path = d.file_path and f.file_size = d.file_size and f.file_modified = d.file_modified
    group by f.dataset, c.types
    order by f.dataset, count(*) desc, c.types
  {%- endset -%}
  {%- set groups = [] -%}
  {%- for row in fetch(query, pending) -%}
    {%- do groups.append({'dataset': row.dataset, 'types': row.types, 'files': fromjson(row.files)}) -%}
  {%- endfor -%}
  {%- for dataset in silver_columns() if dataset not in groups | map(attribute='dataset') -%}
    {{- exceptions.raise_compiler_error(
      'No parquet file in ' ~ silver_base() ~ '/' ~ dataset ~ '. Set SILVER_BASE to the folder that holds '
      ~ silver_columns().keys() | join(', ') ~ '; an empty dataset is a parquet file without rows.'
    ) -}}
  {%- endfor -%}
  {{- return(groups) -}}
{% endmacro %}

{# Names the files that are no parquet: cut off, or still being written. Asked for its types, Spark would say
   that parquet is an "unsupported data source", without the file's name. A reader that skips corrupt files
   tells which ones it saw; of the others, empty or corrupt, the last four bytes tell. #}
{% macro assert_readable(files) %}
  {%- set pending = [] -%}
  {%- set queries = [] -%}
  {%- for dataset, own in files | groupby('dataset') -%}
    {%- set readable = silver_schema() ~ '.' ~ dataset ~ '__readable_' ~ local_md5(silver_base())[:8] -%}
    {%- do pending.extend(silver_table_sql(readable, dataset, 'nothing string', 'parquet', ', ignoreCorruptFiles true')) -%}
    {%- do queries.append(
      'select distinct _metadata.file_path as file_path from ' ~ readable
      ~ (' where _metadata.file_path in (' ~ path_literals(own | map(attribute='file_path')) ~ ')'
         if own | length <= var('files_per_filter') else '')
    ) -%}
  {%- endfor -%}
  {%- set paths = fetch(queries | join(' union all '), pending) | map(attribute='file_path') | list -%}
  {%- set seen = dict(zip(paths, paths)) -%}
  {%- set unseen = files | rejectattr('file_path', 'in', seen) | list -%}
  {%- for dataset, own in unseen | groupby('dataset') -%}
    {%- set broken = fetch(
      'select path from ' ~ silver_files(dataset) ~ ' where _metadata.file_path in ('
      ~ path_literals(own | map(attribute='file_path')) ~ ") and hex(substr(content, -4)) != hex('PAR1')"
    ) -%}
    {%- if broken -%}
      {{- exceptions.raise_compiler_error(
        broken | map(attribute='path') | join(', ') ~ ': not a whole parquet file (cut off, or still being written). '
        ~ 'Deliver it again or remove it, then run again; Gold was not touched.'
      ) -}}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}

{% macro path_literals(paths) %}
  {%- set literals = [] -%}
  {%- for path in paths -%}
    {%- do literals.append(sql_text(path)) -%}
  {%- endfor -%}
  {{- return(literals | join(', ')) -}}
{% endmacro %}

{# Reads the footers of these files, fifty in a statement, and has the next query cache their types. #}
{% macro cache_file_types(unknown, pending) %}
  {%- set tables = [] -%}
  {%- for files in unknown | batch(50) -%}
    {%- if loop.index0 and not loop.index0 % 10 -%}
      {%- do log('Reading new Silver files: ' ~ loop.index0 * 50 ~ ' of ' ~ unknown | length, info=true) -%}
    {%- endif -%}
    {%- do pending.append(nanos_as_long_sql('true')) -%}
    {%- do assert_types_are_known(files, pending) -%}
    {%- set footers = [] -%}
    {%- for file in files -%}
      {#- A join that Spark sees to be empty: it looks at the footer and reads nothing, not even by a job. -#}
      {%- do footers.append(
        'select ' ~ loop.index0 ~ ' as i, typeof(struct(f.*)) as schema from (select 1) left join parquet.`' ~ file.path ~ '` as f on false'
      ) -%}
    {%- endfor -%}
    {%- for footer in fetch(footers | join(' union all ')) -%}
      {%- set file = files[footer.i] -%}
      {%- do file.update({'types': used_types(file.dataset, footer.schema, file.path)}) -%}
    {%- endfor -%}
    {%- do tell_nanoseconds(files, tables, pending) -%}
    {%- set rows = [] -%}
    {%- for file in files -%}
      {%- do rows.append(
        '(' ~ sql_text(file.file_path) ~ ', ' ~ file.file_size
        ~ ", timestamp '" ~ file.modified ~ "', " ~ sql_text(file.types) ~ ", '" ~ file.dataset ~ "')"
      ) -%}
    {%- endfor -%}
    {%- do pending.extend(add_to_cache_sql('file_types', files | map(attribute='dataset') | unique | list, 'select * from values ' ~ rows | join(', '))) -%}
  {%- endfor -%}
{% endmacro %}

{# 'event_id string, ts number, country folder': the types of the used columns in one file. A column
   may stand in the folder's name instead (country=US), and nowhere, when it is left out. NULL columns
   without a type (void) are as good as left out. A moment that is a bigint is a number until tell_nanoseconds has looked.
   schema: Spark's struct<name:type,...>, from which nested types are cut before it is read. #}
{% macro used_types(dataset, schema, path) %}
  {%- set flat = namespace(text=schema[7:-1]) -%}
  {%- for _ in range(schema.count('<') - 1) -%}
    {%- set flat.text = modules.re.sub('<[^<>]*>', '', flat.text) -%}
  {%- endfor -%}
  {%- set found = {} -%}
  {%- for name, type in modules.re.findall('(?:^|,)([^:,]+):([a-z_]+(?:[(][0-9]+,[0-9]+[)])?)', flat.text) -%}
    {%- do found.update({name | lower: type}) -%}
  {%- endfor -%}
  {%- set types = [] -%}
  {%- for column in silver_columns()[dataset] -%}
    {%- if found.get(column) in ('struct', 'array', 'map') -%}
      {{- exceptions.raise_compiler_error(
        'Column ' ~ column ~ ' of ' ~ path ~ ' is nested (' ~ found[column] ~ '). Write it as a plain value.'
      ) -}}
    {%- elif found.get(column) == 'bigint' and column in moment_columns(dataset) -%}
      {%- do types.append(column ~ ' number') -%}
    {%- elif found.get(column, 'void') != 'void' -%}
      {%- do types.append(column ~ ' ' ~ found[column]) -%}
    {%- elif '/' ~ column ~ '=' in path -%}
      {%- do types.append(column ~ ' folder') -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(types | join(', ')) -}}
{% endmacro %}

{# One table a group of files with the same types, and the view of text over all of them. #}
{% macro register_dataset_sql(db, dataset, columns, groups) %}
  {%- set statements = [] -%}
  {%- set smaller = groups[1:] | map(attribute='files') | sum(start=[]) -%}
  {%- set selects = [] -%}
  {%- for group in groups -%}
    {%- set types = {} -%}
    {%- for item in group.types.split(', ') if item -%}
      {%- do types.update({item.split(' ')[0]: item.split(' ')[1]}) -%}
    {%- endfor -%}
    {%- set in_files = [] -%}
    {%- for column, type in types.items() if type != 'folder' -%}
      {%- do in_files.append(column ~ ' ' ~ ('bigint' if type in ('number', 'nanos') else type)) -%}
    {%- endfor -%}
    {#- Days before 1582 and INT96 before 1900 are taken as they stand. Left to decide by itself, Spark fails at the first one in a
        file that does not say which calendar it was written by, as none but Spark's own do. A part of the name, since
        a table that is there keeps the options that it was made with. -#}
    {%- set calendar = ", datetimeRebaseMode 'CORRECTED', int96RebaseMode 'CORRECTED'" -%}
    {%- set table = db ~ '.' ~ dataset ~ '__' ~ local_md5(silver_base() ~ group.types ~ calendar)[:8] -%}
    {%- do statements.extend(silver_table_sql(table, dataset, in_files | join(', ') or 'no_used_column string', 'parquet', calendar)) -%}
    {%- set select_list = [] -%}
    {%- for column in columns -%}
      {%- do select_list.append(as_text(column, types.get(column)) ~ ' as ' ~ column) -%}
    {%- endfor -%}
    {%- set paths = path_literals((smaller if loop.first else group.files) | map(attribute='file_path')) -%}
    {%- do selects.append(
      'select ' ~ select_list | join(', ') ~ ', _metadata.file_path as file_path, _metadata.file_size as file_size,'
      ~ ' _metadata.file_modification_time as file_modified from ' ~ table
      ~ (' where _metadata.file_path ' ~ ('not ' if loop.first else '') ~ 'in (' ~ paths ~ ')'
         if paths else '')
    ) -%}
  {%- endfor -%}
  {{- return(statements + ['create or replace view ' ~ db ~ '.' ~ dataset ~ ' as ' ~ selects | join(' union all ')]) -}}
{% endmacro %}

{# The text that Silver holds in a column of a type; the type is none where the column is missing. #}
{% macro as_text(column, type) %}
  {%- if not type -%}
    {{- return('cast(null as string)') -}}
  {%- elif type == 'folder' -%}
    {#- A file's path is a URI, in which the folder's own escapes are escaped once more. -#}
    {%- set value = "regexp_extract(_metadata.file_path, '/" ~ column ~ "=([^/]*)/', 1)" -%}
    {{- return(
      "nullif(url_decode(url_decode(replace(" ~ value ~ ", '+', '%252B'))), '__HIVE_DEFAULT_PARTITION__')"
    ) -}}
  {%- elif type == 'nanos' -%}
    {#- Before 1970 too, what is left of a microsecond is cut off below. -#}
    {{- return('cast(timestamp_micros(' ~ column ~ ' div 1000 - if(' ~ column ~ ' % 1000 < 0, 1, 0)) as string)') -}}
  {%- endif -%}
  {{- return('cast(' ~ column ~ ' as string)') -}}
{% endmacro %}
