{# What a run would do to a table, and why. Reads, and changes nothing. Returns a dict:
   - node, relation, sql, code (code_version), column: of partitions, and by_partition: whether
     the inputs tell them apart;
   - table: what the catalog has (catalog_table);
   - types: the types that the SQL gives, where they have not passed the contract before;
   - checked: how many partitions there are; rebuild: {partition: reason}; drop: [partition];
   - wanted: {partition: {names, states, contents, inputs}}, what the inputs make of it now
     (wanted.sql); dimension: the version that copied attributes are compared with, and compared:
     [partition] that were found right;
   - files: the source files to read (files_to_read), or none where all are read;
   - rows: of a table without partitions, what became of its rows (rows.sql). #}
{% macro plan(node, relation, sql) %}
  {%- set declared = exact.declaration(node) or exact.no_declaration() -%}
  {%- set code = exact.code_version(node, sql) -%}
  {%- set plan = {
    'node': node,
    'relation': relation,
    'sql': sql,
    'code': code,
    'column': exact.partition_column(node),
    'by_partition': exact.by_partition(declared),
    'table': exact.catalog_table(node, relation),
    'types': none,
    'dimension': exact.table_version(exact.table_named(declared.restated_by.dimension))
      if declared.restated_by,
    'compared': [],
    'files': none,
    'rows': 'unknown',
  } -%}
  {#- Code that something was recorded for has passed the contract. A seed's types are its
      contract's by construction. -#}
  {%- set new_code = code not in exact.run_memory().codes.get(node.alias, [])
    and node.resource_type == 'model' -%}
  {#- What a run that writes nothing would have made first is not there to be asked. -#}
  {%- if new_code and not (exact.read_only() and exact.tables_missing(node)) -%}
    {%- do plan.update({'types': exact.fetch([exact.types_sql(sql)])[0].types}) -%}
  {%- endif -%}
  {%- for input in exact.unmapped_inputs(node, declared) -%}
    {%- do exact.run_memory().maps[input.key].update(fromjson(exact.fetch([exact.map_sql(input)])[0].map)) -%}
  {%- endfor -%}
  {%- do plan.update({'wanted': exact.wanted(plan, declared)}) -%}
  {%- do plan.update(exact.decide(plan, declared)) -%}
  {%- if plan.unverified and plan.table.change in ('new', 'replace') -%}
    {#- What cannot be queried cannot be compared. -#}
    {%- for p in plan.unverified -%}
      {%- do plan.rebuild.update({p: 'attributes of ' ~ declared.restated_by.dimension ~ ' changed'}) -%}
    {%- endfor -%}
  {%- elif plan.unverified -%}
    {%- do exact.decide_by_attributes(plan, declared) -%}
  {%- endif -%}
  {#- Whoever rebuilds all partitions reads all files, unless complete_in left out most days. -#}
  {%- if plan.by_partition and plan.rebuild
    and (plan.rebuild | length < plan.checked or declared.complete_in) -%}
    {%- do plan.update({'files': exact.files_to_read(plan, declared)}) -%}
  {%- endif -%}
  {%- if plan.rebuild and 'asked for' not in plan.rebuild.values()
    and not plan.column and exact.rows_are_readable(plan) -%}
    {%- do plan.update({'rows': exact.compare_rows(plan)}) -%}
  {%- endif -%}
  {{- return(plan) -}}
{% endmacro %}

{# {checked, rebuild, drop, unverified}: a partition is up to date where a fact says that just its
   files are the complete result, for these inputs and this code; unverified where its copied
   attributes were last compared with another version of the dimension. #}
{% macro decide(plan, declared) %}
  {%- set state = exact.run_memory().state.get(plan.node.alias, {}) -%}
  {%- set found = exact.partitions_found(plan.node) -%}
  {%- set decided = {'rebuild': {}, 'drop': [], 'unverified': [], 'checked': plan.wanted | length} -%}
  {%- for p, wanted in plan.wanted.items() -%}
    {%- set partition = exact.whole_state(state, found) if not plan.by_partition
      else state.get(p, exact.nothing_found()) -%}
    {%- set fact = partition.fact -%}
    {%- if exact.asked_for(p) -%}
      {%- do decided.rebuild.update({p: 'asked for'}) -%}
    {%- elif not fact or fact.code != plan.code or fact.contents != wanted.contents -%}
      {%- do decided.rebuild.update({p: exact.reason(plan, declared, wanted, partition, state)}) -%}
    {%- elif exact.restating(declared) and fact.restated != plan.dimension -%}
      {%- do decided.unverified.append(p) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if plan.by_partition -%}
    {%- for p in found if p not in plan.wanted -%}
      {%- do decided.drop.append(p) -%}
    {%- endfor -%}
  {%- endif -%}
  {{- return(decided) -}}
{% endmacro %}

{% macro nothing_found() %}
  {{- return({'files': 0, 'file_count': 0, 'rows': 0, 'fact': none, 'known': false}) -}}
{% endmacro %}

{# The state of a table that is replaced as a whole: its partitions are right together, when one
   write made all of them and no others. #}
{% macro whole_state(state, found) %}
  {%- if not found -%}
    {%- set empty = state.get(exact.whole_table(), exact.nothing_found()) -%}
    {{- return(dict(empty, known=state | length > 0)) -}}
  {%- endif -%}
  {%- set facts = found.values() | map(attribute='fact') | reject('none') | list -%}
  {%- set together = facts | length == found | length and facts[0].partitions == found | length
    and facts | map(attribute='contents') | unique | list | length == 1
    and facts | map(attribute='code') | unique | list | length == 1 -%}
  {{- return({'file_count': found | length, 'fact': facts[0] if together else none, 'known': true}) -}}
{% endmacro %}

{# Why a partition is stale, by what its last fact says. #}
{% macro reason(plan, declared, wanted, partition, state) %}
  {%- set fact = partition.fact -%}
  {%- if not fact and not partition.known and not partition.file_count -%}
    {{- return(exact.input_word(plan.node, declared) ~ ' added' if state else 'first build') -}}
  {%- elif not fact and plan.table.change == 'replace' -%}
    {{- return('made by something else') -}}
  {%- elif not fact -%}
    {{- return('interrupted run' if exact.run_memory().taken_over else 'its own files changed') -}}
  {%- elif fact.code != plan.code -%}
    {{- return('code changed') -}}
  {%- elif fact.names != wanted.names and fact.inputs < wanted.inputs -%}
    {{- return(exact.input_word(plan.node, declared) ~ ' added') -}}
  {%- elif fact.names != wanted.names and fact.inputs > wanted.inputs -%}
    {{- return(exact.input_word(plan.node, declared) ~ ' removed') -}}
  {%- elif fact.states != wanted.states -%}
    {{- return(exact.input_word(plan.node, declared) ~ ' replaced') -}}
  {%- endif -%}
  {{- return('a moment became valid') -}}
{% endmacro %}

{# How reasons call an input: a source has files. #}
{% macro input_word(node, declared) %}
  {%- set words = [] -%}
  {%- for name in declared.inputs -%}
    {%- for read in exact.tables_behind(node, name) -%}
      {%- do words.append('file' if read.resource_type == 'source' else 'partition of ' ~ read.name) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(words | unique | join(' or ') or 'input') -}}
{% endmacro %}

{# Whether a partition is to be rebuilt regardless. rebuild_from and rebuild_to are days; a month
   is rebuilt when it holds one of them. #}
{% macro asked_for(p) %}
  {%- if should_full_refresh() -%}
    {{- return(true) -}}
  {%- elif exact.setting('rebuild') | string | lower != 'true' -%}
    {{- return(false) -}}
  {%- endif -%}
  {%- for name in ('rebuild_from', 'rebuild_to') if exact.setting(name) -%}
    {%- if not modules.re.match('[0-9]{4}-[0-9]{2}-[0-9]{2}$', exact.setting(name) | string) -%}
      {{- exceptions.raise_compiler_error(
        name ~ " is a day such as '2024-02-29', not '" ~ exact.setting(name) ~ "'."
      ) -}}
    {%- endif -%}
  {%- endfor -%}
  {{- return(
    exact.in_range(p, exact.setting('rebuild_from') | string, exact.setting('rebuild_to') | string)
  ) -}}
{% endmacro %}

{% macro in_range(p, first, last) %}
  {%- if p == exact.whole_table() or not (first or last) -%}
    {{- return(true) -}}
  {%- endif -%}
  {#- unknown-2024-03 is no day. -#}
  {{- return(
    modules.re.match('[0-9]{4}(-|$)', p) is not none
    and (not first or p >= first[:p | length])
    and (not last or p[:last | length] <= last[:p | length])
  ) -}}
{% endmacro %}

{# Tables of the engine that a model reads and that the catalog does not have. #}
{% macro tables_missing(node) %}
  {%- set missing = [] -%}
  {%- for read in exact.relations_read(node)
    if read.resource_type != 'source' and read.alias not in exact.run_memory().tables -%}
    {%- do missing.append(read.name) -%}
  {%- endfor -%}
  {{- return(missing) -}}
{% endmacro %}
