{# Refuses Hadoop's own way to commit files, which a Spark with spark-hadoop-cloud may have been told to
   take, and which Spark 4.1 takes for S3 by itself where it has that jar (SPARK-47618). Where its
   committer is FileOutputCommitter, an overwrite adds files to the partitions that it should replace
   (SPARK-56588; Spark 3.4 to 4.1), and the manifest would record both as the result. With S3A's
   committers it fails by itself. Not asked on Glue, where it would cost a statement. #}
{% macro check_commit_protocol() %}
  {%- if target.type == 'spark' -%}
    {%- set protocol = exact.fetch(['set spark.sql.sources.commitProtocolClass'])[0].value -%}
    {%- if 'PathOutputCommitProtocol' in protocol -%}
      {{- exceptions.raise_compiler_error(
        'Spark commits files by ' ~ protocol ~ ', with which an overwrite may keep old files (SPARK-56588).'
        ~ ' Nothing was touched. Set in profiles.yml, under server_side_parameters,'
        ~ ' spark.sql.sources.commitProtocolClass:'
        ~ ' org.apache.spark.sql.execution.datasources.SQLHadoopMapReduceCommitProtocol'
        ~ ' and spark.sql.parquet.output.committer.class: org.apache.parquet.hadoop.ParquetOutputCommitter.'
      ) -}}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}
