"""Statistics for people: a table to take along (CSV, Parquet), a page to read and print."""

from beffroi.report.page import write_report
from beffroi.report.table import COLUMNS, rows, write_table

__all__ = ["COLUMNS", "rows", "write_report", "write_table"]
