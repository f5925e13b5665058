{# Rows that share the values of all the columns. #}
{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) %}
  {%- set names = [] -%}
  {%- for column in combination_of_columns -%}
    {%- do names.append(adapter.quote(column) if quote_columns else column) -%}
  {%- endfor %}
  select {{ names | join(', ') }}
  from {{ model }}
  group by {{ names | join(', ') }}
  having count(*) > 1
{% endtest %}

{# Rows whose value lies outside the range; NULL lies nowhere. #}
{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
  {%- set outside = [] -%}
  {%- if min_value is not none -%}
    {%- do outside.append(column_name ~ (' < ' if inclusive else ' <= ') ~ min_value) -%}
  {%- endif -%}
  {%- if max_value is not none -%}
    {%- do outside.append(column_name ~ (' > ' if inclusive else ' >= ') ~ max_value) -%}
  {%- endif %}
  select *
  from {{ model }}
  where {{ outside | join(' or ') or 'false' }}
{% endtest %}

{# Rows for which the expression (after the column, if there is one) is false. #}
{% test expression_is_true(model, expression, column_name=none) %}
  select {{ '*' if should_store_failures() else '1' }}
  from {{ model }}
  where not ({{ column_name or '' }} {{ expression }})
{% endtest %}
