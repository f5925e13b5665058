{# What the facts copy from dim_users: a changed user restates the days that hold the old values.
   With the variable user_attributes set to as_built they keep those of their last build. #}
{% macro users_attributes() %}
  {{- return({
    'dimension': 'dim_users',
    'key': 'user_id',
    'attributes': {'user_city': 'city', 'user_age': 'age', 'user_email': 'email'},
    'compare': var('user_attributes') != 'as_built',
  }) -}}
{% endmacro %}
