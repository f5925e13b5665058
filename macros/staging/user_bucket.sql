{# The partition of a user in tables that hold a row a user. #}
{% macro user_bucket(key) %}
  cast(pmod(hash({{ key }}), {{ var('user_buckets') }}) as int)
{% endmacro %}
