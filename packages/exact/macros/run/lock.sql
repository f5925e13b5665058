{# One run at a time writes below a warehouse_base(), on whatever machine and through whatever
   catalog.

   A run claims it by a file in a folder of its own, claims/owner=<name>.<run>, and then looks which
   claims are there. Each looks after it has written, so that of two runs one at least sees the
   other. Whoever is later, by the storage's clock, withdraws and stops; of two claims within two
   seconds of each other, which S3's clock does not tell apart, the one whose name sorts last. The
   other goes on when it has seen that, or withdraws too after half a minute. Every file that a table
   or the manifest gets is a sign of life of an owner, and so is its claim.

   A claim is dead, and is taken over,
   - when its owner was a process of this machine that is gone (Spark in local mode);
   - when there was no sign of life for lock_minutes, and its process is not seen to be alive;
   - when somebody who knows says so: dbt run-operation unlock. #}
{% macro claims_location() %}{{- return(exact.engine_location() ~ '/claims') -}}{% endmacro %}

{# On Glue it begins with the session's name, by which that is found in the account. #}
{% macro claim_owner() %}
  {{- return((target.glue_session_id or target.name) ~ '.' ~ invocation_id) -}}
{% endmacro %}

{# Whether SQL runs in a process of this machine that serves this dbt alone, PySpark in local mode,
   so that processes can be looked at: of a server the next run would find the same one alive. #}
{% macro runs_here() %}
  {%- if target.type != 'spark' -%}
    {{- return(false) -}}
  {%- endif -%}
  {%- set command = exact.fetch([
    "select java_method('java.lang.System', 'getProperty', 'sun.java.command') as command"
  ])[0].command or '' -%}
  {{- return('pyspark-shell' in command and modules.re.search('master[= ]local', command) is not none) -}}
{% endmacro %}

{# Statements that claim the base. #}
{% macro claim_sql(here) %}
  {{- return([
    'insert overwrite directory ' ~ exact.sql_text(exact.claims_location() ~ '/owner=' ~ exact.claim_owner())
    ~ ' using parquet select current_timestamp() as claimed_at, ' ~ exact.process_sql(here),
  ] + exact.look_at_claims_sql()) -}}
{% endmacro %}

{# Statements that look which claims are there: the view claims. They are looked at before tables
   are listed, since a run gives its claim up when it has written all: what is listed after that
   is all of it. #}
{% macro look_at_claims_sql() %}
  {%- set query -%}
    select
        url_decode(regexp_extract(_metadata.file_path, '.*/owner=([^/]*)/', 1)) as owner,
        _metadata.file_modification_time as modified,
        claimed_at,
        machine,
        process
    from {{ exact.claims_table() }}
  {%- endset -%}
  {{- return([
    exact.forget_sql('claims'),
    'create table if not exists ' ~ exact.claims_table()
    ~ ' (claimed_at timestamp, machine string, process bigint)'
    ~ ' using parquet options (' ~ exact.files_that_may_go() ~ ') location '
    ~ exact.sql_text(exact.claims_location()),
    'refresh table ' ~ exact.claims_table(),
  ] + exact.keep_sql('claims', query)) -}}
{% endmacro %}

{% macro claims_table() %}
  {{- return(
    target.schema ~ '.exact_claims_' ~ local_md5(exact.warehouse_base() ~ exact.files_that_may_go())[:8]
  ) -}}
{% endmacro %}

{% macro process_sql(here) %}
  {%- if not here -%}
    {{- return('cast(null as string) as machine, cast(null as bigint) as process') -}}
  {%- endif -%}
  {{- return(
    "java_method('java.net.InetAddress', 'getLocalHost') as machine,"
    ~ " cast(java_method('java.lang.ProcessHandle', 'current') as bigint) as process"
  ) -}}
{% endmacro %}

{# SQL: the claims of others as a JSON list of {owner, since, later: by how many milliseconds its
   claim is later than ours, seen, silent: minutes without a sign of life, gone: whether its
   process is, alive: whether it is seen to be}. A run that writes nothing has no claim; its time
   is now. #}
{% macro other_claims_sql(writes, here) %}
  select
      to_json(collect_list(struct(
          claims.owner,
          date_format(claims.claimed_at, 'yyyy-MM-dd HH:mm:ss') as since,
          unix_millis(claims.modified) - unix_millis(own.modified) as later,
          date_format(greatest(signs.seen, claims.modified), 'yyyy-MM-dd HH:mm:ss') as seen,
          cast(
              (unix_timestamp(own.modified) - unix_timestamp(greatest(signs.seen, claims.modified))) / 60
              as int
          ) as silent,
          coalesce(
              claims.machine = own.machine and (claims.process = own.process or not claims.runs), false
          ) as gone,
          coalesce(
              claims.machine = own.machine and claims.process != own.process and claims.runs, false
          ) as alive
      )))
  from (
      select
          *,
          {{
            "java_method('java.lang.ProcessHandle', 'of', process) != 'Optional.empty'" if here else 'true'
          }} as runs
      from {{ exact.temporary('claims') }}
  ) as claims
  cross join (
      {%- if writes %}
      select * from {{ exact.temporary('claims') }} where owner = '{{ exact.claim_owner() }}'
      {%- else %}
      select current_timestamp() as modified, {{ exact.process_sql(here) }}
      {%- endif %}
  ) as own
  cross join (
      select max(modified) as seen from {{ exact.temporary('table_listing') }}
      {#- Runs that were kept out have written these. #}
      where true
      {%- for folder in (
        exact.claims_location(), exact.log_location('file_types'), exact.log_location('file_days')
      ) %}
          and not startswith(path, {{ exact.sql_text(exact.below_base(folder) ~ '/') }})
      {%- endfor %}
  ) as signs
  where claims.owner != '{{ exact.claim_owner() }}'
{% endmacro %}

{# Goes on, takes dead claims over, or withdraws and stops the run with a line that says who has
   the base. Returns whether it waited for another to withdraw. #}
{% macro hold_or_withdraw(others) %}
  {%- set dead = [] -%}
  {%- set waited = [] -%}
  {%- for claim in others -%}
    {%- if exact.looks_dead(claim) and (claim.gone or exact.writers_are_silent()) -%}
      {%- do log(
        'The run ' ~ claim.owner ~ ', of ' ~ claim.since ~ ' UTC, did not end.'
        ~ ' Its claim is taken over, and what it left is mended.', info=true
      ) -%}
      {%- do dead.append(claim) -%}
    {%- elif exact.gives_way(claim) -%}
      {%- do waited.append(claim) -%}
    {%- else -%}
      {%- do exact.run_statements(exact.release_sql([exact.claim_owner()]) + exact.forget_all_sql()) -%}
      {{- exceptions.raise_compiler_error(
        'Another run is writing to ' ~ exact.warehouse_base() ~ ': ' ~ claim.owner ~ ', since ' ~ claim.since
        ~ ' UTC, last sign of life ' ~ claim.seen ~ ' UTC. Nothing was touched. Run again when it has ended.'
        ~ ' If you know that it is dead: dbt run-operation unlock'
      ) -}}
    {%- endif -%}
  {%- endfor -%}
  {%- if dead -%}
    {%- do exact.run_memory().update({'taken_over': true}) -%}
    {%- do exact.delete_staging_folders() -%}
    {%- do exact.run_statements(exact.release_sql(dead | map(attribute='owner') | list)) -%}
  {%- endif -%}
  {{- return(waited | length > 0) -}}
{% endmacro %}

{# Whether its process is gone; or, where nobody can see that process, whether no table and no
   manifest got a file for lock_minutes. #}
{% macro looks_dead(claim) %}
  {{- return(
    claim.gone or (not claim.alive and claim.silent >= exact.setting('lock_minutes') | int)
  ) -}}
{% endmacro %}

{# Whether the owner of a live claim gives way to us: looked at, since it may not have seen ours. #}
{% macro gives_way(claim) %}
  {%- if claim.later < -2000 or (claim.later <= 2000 and claim.owner < exact.claim_owner()) -%}
    {{- return(false) -}}
  {%- endif -%}
  {%- for _ in range(15) -%}
    {%- set row = exact.fetch([
      "select java_method('java.lang.Thread', 'sleep', 2000L) as slept",
    ] + exact.look_at_claims_sql() + [
      'select count(*) as n from ' ~ exact.temporary('claims') ~ " where owner = '" ~ claim.owner ~ "'",
    ])[0] -%}
    {%- if not row.n | int -%}
      {{- return(true) -}}
    {%- endif -%}
  {%- endfor -%}
  {{- return(false) -}}
{% endmacro %}

{# Statements that give claims up. #}
{% macro release_sql(owners) %}
  {%- set folders = [] -%}
  {%- for owner in owners | unique -%}
    {%- do folders.append(exact.claims_location() ~ '/owner=' ~ owner) -%}
  {%- endfor -%}
  {{- return(exact.delete_folders_sql(folders)) -}}
{% endmacro %}

{# dbt run-operation unlock: gives up the claims of runs that are known to be dead, and deletes
   what they left unfinished. #}
{% macro unlock(owner=none) %}
  {%- if execute -%}
    {%- set here = exact.runs_here() -%}
    {%- do exact.run_statements([exact.create_trash_sql()] + exact.claim_sql(here)) -%}
    {%- set owners = [] -%}
    {%- set rows = exact.fetch(['select owner from ' ~ exact.temporary('claims')]) -%}
    {%- for row in rows if owner in (none, row.owner) -%}
      {%- do owners.append(row.owner) -%}
    {%- endfor -%}
    {#- While another run is at work, its folders are not what a dead one left. -#}
    {%- set others = rows | map(attribute='owner') | reject('in', owners + [exact.claim_owner()]) | list -%}
    {%- do exact.delete_staging_folders() if not others -%}
    {%- do exact.run_statements(
      exact.release_sql(owners + [exact.claim_owner()]) + exact.forget_all_sql()
    ) -%}
    {%- do log(
      'Given up: '
      ~ (owners | reject('equalto', exact.claim_owner()) | join(', ') or 'there was no claim'), info=true
    ) -%}
  {%- endif -%}
{% endmacro %}
