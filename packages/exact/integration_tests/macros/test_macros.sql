{# dbt run-operation test_macros: what the macros of the package answer, without a table. #}
{% macro test_macros() %}
  {%- if execute -%}
    {%- set failures = [] -%}
    {%- for test in [
      test_types_of_files, test_groups_of_files, test_columns, test_ranges,
      test_pruning, test_declarations, test_text, test_plans,
    ] -%}
      {%- do failures.extend(test()) -%}
    {%- endfor -%}
    {%- for failure in failures -%}
      {%- do log(failure, info=true) -%}
    {%- endfor -%}
    {%- if failures -%}
      {{- exceptions.raise_compiler_error(failures | length ~ ' of the macros answered otherwise.') -}}
    {%- endif -%}
    {%- do log('All macros answered as they should.', info=true) -%}
  {%- endif -%}
{% endmacro %}

{# [] where they are equal, else a line. #}
{% macro unequal(what, actual, expected) %}
  {{- return([] if actual == expected else [what ~ ': ' ~ actual ~ ', expected ' ~ expected]) -}}
{% endmacro %}

{% macro test_types_of_files() %}
  {%- set columns = ['id', 'at', 'country'] -%}
  {%- set failures = [] -%}
  {%- for struct, path, expected in [
    ('struct<id:string,at:timestamp>', '/x/a.parquet', 'id string, at timestamp'),
    ('struct<ID:bigint,other:array<struct<id:int>>,at:void>', '/x/a.parquet', 'id bigint, at void'),
    (
      'struct<amount:decimal(18,2),id:decimal(20,0)>', '/x/country=US/a.parquet',
      'id decimal(20,0), country folder'
    ),
    ('struct<map:map<string,array<int>>,at:timestamp_ntz>', '/x/a.parquet', 'at timestamp_ntz'),
    ('struct<at:bigint,id:bigint>', '/x/a.parquet', 'id bigint, at number'),
    ('struct<nothing:int>', '/x/a.parquet', 'no column'),
  ] -%}
    {%- do failures.extend(
      unequal('used_types of ' ~ struct, exact.used_types(columns, ['at'], struct, path), expected)
    ) -%}
  {%- endfor -%}
  {%- do failures.extend(
    unequal('types_of', exact.types_of('id string, at decimal(3,1)'), {'id': 'string', 'at': 'decimal(3,1)'})
  ) -%}
  {%- do failures.extend(unequal('types_of none', exact.types_of('no column'), {})) -%}
  {{- return(failures) -}}
{% endmacro %}

{% macro test_groups_of_files() %}
  {%- set groups = [] -%}
  {%- for types in [
    'id string, at timestamp', 'id string', 'id bigint', 'at timestamp, x int', 'id void', 'x folder'
  ] -%}
    {%- do groups.append({'types': types}) -%}
  {%- endfor -%}
  {{- return(unequal('merged_groups', exact.merged_groups(groups) | map(attribute='all_types') | list, [
    ['id string, at timestamp', 'id string', 'at timestamp, x int'], ['id bigint'], ['id void'], ['x folder'],
  ])) -}}
{% endmacro %}

{% macro test_columns() %}
  {%- set contract = [['id', 'string'], ['amount', 'decimal(18,2)'], ['day', 'date']] -%}
  {%- set struct = 'struct<id:string,amount:decimal(18,2),day:date>' -%}
  {{- return(
    unequal('struct_of', exact.struct_of(contract), struct)
    + unequal('columns_of', exact.columns_of(struct) | map('list') | list, contract)
    + unequal(
      'columns_of nested', exact.columns_of('struct<a:array<struct<b:int>>>') | map('list') | list,
      [['a', 'array<struct<b:int>>']]
    )
    + unequal('no difference', exact.column_differences(contract, contract), '')
    + unequal(
      'differences', exact.column_differences(contract, contract[:1] + [['amount', 'double']]),
      ' Column 2: amount decimal(18,2) in the contract, amount double here.'
      ~ ' Column 3: day date in the contract, nothing here.'
    )
  ) -}}
{% endmacro %}

{% macro test_ranges() %}
  {{- return(
    unequal('a day in the range', exact.in_range('2024-02-10', '2024-02-01', '2024-02-29'), true)
    + unequal('a day before it', exact.in_range('2024-01-31', '2024-02-01', '2024-02-29'), false)
    + unequal('a month that holds its first day', exact.in_range('2024-02', '2024-02-29', ''), true)
    + unequal('a month after it', exact.in_range('2024-03', '', '2024-02-29'), false)
    + unequal('a whole table', exact.in_range(exact.whole_table(), '2024-02-01', '2024-02-02'), true)
  ) -}}
{% endmacro %}

{% macro test_pruning() %}
  {%- set sql = 'select * from lake.readings as r join lake.readings_old on from_lake.readings = 1' -%}
  {{- return(
    unequal('replace_relation', exact.replace_relation(sql, 'lake.readings', '(few)'),
      'select * from (few) as r join lake.readings_old on from_lake.readings = 1')
    + unequal('nothing to replace', exact.replace_relation(sql, 'lake.other', '(few)'), sql)
    + unequal('a query has the name of its table', exact.replace_relation(
        'select readings.x from lake.readings where 1 = 1 union select * from lake.readings limit 1',
        'lake.readings', '(few)'
      ), 'select readings.x from (few) as readings where 1 = 1 union select * from (few) as readings limit 1')
    + unequal('another name is kept', exact.replace_relation(
        'select r.x from lake.readings r', 'lake.readings', '(few)'), 'select r.x from (few) r')
    + unequal('what follows a comment', exact.replace_relation(
        'select r.x from lake.readings -- all of them', 'lake.readings', '(few)'),
        'select r.x from (few) as readings -- all of them')
    + unequal('a query has no schema', exact.replace_relation(
        'select lake.readings.x from lake.readings', 'lake.readings', '(few)'),
        'select lake.readings.x from lake.readings')
    + unequal('a sample stands before a name', exact.replace_relation(
        'select * from lake.readings TABLESAMPLE (1 rows) r', 'lake.readings', '(few)'),
        'select * from lake.readings TABLESAMPLE (1 rows) r')
    + unequal('path_literals', exact.path_literals(['/a', "/it's"]), "'/a', " ~ '"' ~ "/it's" ~ '"')
  ) -}}
{% endmacro %}

{% macro test_declarations() %}
  {%- set sql = "select * from ref('days') join ref( 'other' ,'places') join source('lake', 'readings')"
    ~ ' join ref("last")' -%}
  {{- return(
    unequal('names_read', exact.names_read(sql), ['days', 'places', 'last', 'lake.readings'])
    + unequal('a key that nothing reads', exact.declaration_problems({'input': {}}, 'day') | length, 1)
    + unequal(
      'a partition of a table that has none',
      exact.declaration_problems({'inputs': {'days': 'day'}}, none) | length, 1
    )
    + unequal(
      'a whole declaration',
      exact.declaration_problems({'inputs': {'days': 'day'}, 'sorted_by': 'x'}, 'day'), []
    )
  ) -}}
{% endmacro %}

{% macro test_text() %}
  {{- return(
    unequal('folder_name', exact.folder_name('a/b=50%'), 'a%2Fb%3D50%25')
    + unequal('literal_path', exact.literal_path('/x/{4F2A}[1]*.parquet'), '/x/?4F2A??1??.parquet')
    + unequal('volatile', exact.without_volatile('select ' ~ exact.volatile('1') ~ ', 2'), 'select , 2')
    + unequal(
      'reasons_text', exact.reasons_text({'file added': 2, 'code changed': 1}),
      'file added: 2, code changed: 1'
    )
    + unequal('a reason alone', exact.reasons_text({'file added': 2}), 'file added')
  ) -}}
{% endmacro %}

{# What a manifest and a listing come to. #}
{% macro test_plans() %}
  {%- set found = [
    '11|1|false|2024-05-06', '12|2|false|2024-05-07', '13|1|false|a|b', '14|1|true|2024-05-06.bak',
  ] -%}
  {%- set facts = [
    '11|1|code|columns|names|states|contents|3||1|40|2024-05-06',
    '99|2|code|columns|names|states|contents|3||1|40|2024-05-07',
    '0|0|code|columns|names|states|contents|3||1|0|2024-05-08',
  ] -%}
  {%- set state = exact.state_of(found, facts) -%}
  {%- set day = state.partitions -%}
  {%- set whole = exact.whole_state(day, {'x': day['2024-05-06']}) -%}
  {{- return(
    unequal('a fact on the files that are there', day['2024-05-06'].fact.code, 'code')
    + unequal('its rows', day['2024-05-06'].rows, 40)
    + unequal('a fact on other files', (day['2024-05-07'].fact, day['2024-05-07'].known), (none, true))
    + unequal('a fact on no files', day['2024-05-08'].fact.code, 'code')
    + unequal('files that no fact knows', (day['a|b'].file_count, day['a|b'].known), (1, false))
    + unequal('codes', state.codes, {'code': true})
    + unequal('a folder that is no partition', state.stray, ['2024-05-06.bak'])
    + unequal('a table that one write made', whole.fact.contents, 'contents')
    + unequal(
      'a table that lost a partition',
      exact.whole_state(day, {
        'x': dict(day['2024-05-06'], fact=dict(day['2024-05-06'].fact, partitions=2))
      }).fact, none
    )
  ) -}}
{% endmacro %}
