{# Tags and grants of Lake Formation, by dbt-glue's configs `lf_tags_config` and `lf_grants`. Cause:
   dbt-glue 1.10.19 asks for them in its own materializations, which this package replaces, and not in
   snapshots. #}
{% macro apply_lake_formation(relation) %}
  {%- if target.type == 'glue' -%}
    {%- if config.get('lf_tags_config') -%}
      {%- do adapter.add_lf_tags(relation, config.get('lf_tags_config')) -%}
    {%- endif -%}
    {%- if config.get('lf_grants') -%}
      {%- do adapter.apply_lf_grants(relation, config.get('lf_grants')) -%}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}
