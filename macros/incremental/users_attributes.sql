{# What the facts copy from dim_users: a changed user restates the days that hold the old values. #}
{% macro users_attributes() %}
  {{- return({
    'dimension': 'dim_users',
    'key': 'user_id',
    'attributes': {'user_city': 'city', 'user_age': 'age', 'user_email': 'email'},
  }) -}}
{% endmacro %}
