{# A table may copy attributes of a dimension (restated_by), as a fact carries the customer's city
   of today. A partition is right only while its copies are those of the dimension. #}
{% macro restating(declared) %}
  {{- return(declared.restated_by and declared.restated_by.get('compare', true)) -}}
{% endmacro %}

{# Decides on the partitions that were last compared with another version of the dimension: those
   that hold another value are rebuilt, the others are recorded as compared. Reads the copied
   columns of these partitions. #}
{% macro decide_by_attributes(plan, declared) %}
  {%- set copied = declared.restated_by -%}
  {%- set same = [] -%}
  {%- for own, theirs in copied.attributes.items() -%}
    {%- do same.append('own.' ~ own ~ ' <=> dimension.' ~ theirs) -%}
  {%- endfor -%}
  {%- set pruned = plan.unverified | length <= exact.setting('partitions_per_statement') -%}
  {%- set query %}
    select to_json(collect_set(cast(own.{{ plan.column }} as string))) as partitions
    from {{ plan.relation }} as own
    left join {{ exact.relation_name(exact.table_named(copied.dimension)) }} as dimension
        on own.{{ copied.key }} = dimension.{{ copied.key }}
    where
        not ({{ same | join(' and ') }})
        {{
          'and own.' ~ plan.column ~ ' in (' ~ exact.partition_literals(plan, plan.unverified) ~ ')'
          if pruned
        }}
  {%- endset -%}
  {%- set differing = fromjson(exact.fetch([query])[0].partitions) -%}
  {%- for p in plan.unverified -%}
    {%- if p in differing -%}
      {%- do plan.rebuild.update({p: 'attributes of ' ~ copied.dimension ~ ' changed'}) -%}
    {%- else -%}
      {%- do plan.compared.append(p) -%}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}
