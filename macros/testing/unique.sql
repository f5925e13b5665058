{# dbt's `unique`, with a model to wait for. In `dbt build` a test that fails keeps from being
   built what stands on all the models that it depends on: nothing, where nothing stands on the
   one that it waits for. #}
{% test unique(model, column_name, after=none) %}
  {{ adapter.dispatch('test_unique', 'dbt')(model, column_name) }}
{% endtest %}
