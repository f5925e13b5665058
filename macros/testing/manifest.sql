{# The facts of the package exact about partitions. Not taken as a source: a test that reads one which the
   package does not register is asked in each run. What the manifest says of a table only changes with
   the table's files, so a test names the tables as its dependencies instead. #}
{% macro manifest() %}{{- return(exact.log_table('manifest')) -}}{% endmacro %}
