{# Hands incremental models and seeds to the package `exact`, which rewrites only stale partitions
   (packages/exact/README.md). Models without meta.exact are built by the adapter's own
   materialization. #}
{% materialization incremental, adapter='spark', supported_languages=['sql'] %}
  {{- return(exact.incremental()) -}}
{% endmaterialization %}

{% materialization incremental, adapter='glue', supported_languages=['sql'] %}
  {{- return(exact.incremental()) -}}
{% endmaterialization %}

{% materialization seed, adapter='spark' %}
  {{- return(exact.seed()) -}}
{% endmaterialization %}

{% materialization seed, adapter='glue' %}
  {{- return(exact.seed()) -}}
{% endmaterialization %}

{# Leaves tests out whose tables and sources are as they were when the test last passed. #}
{% materialization test, default %}
  {{- return(exact.data_test(sql)) -}}
{% endmaterialization %}

{# The same for unit tests. #}
{% materialization unit, default %}
  {{- return(exact.unit_test()) -}}
{% endmaterialization %}
