"""Stands for the package dbt_utils while sqlfluff renders the models: SQL of the same shape, without a database."""


def date_spine(datepart: str, start_date: str, end_date: str) -> str:
    """A query with one column, as the macro of that name gives."""
    return f"select explode(sequence({start_date}, {end_date})) as date_{datepart}"
