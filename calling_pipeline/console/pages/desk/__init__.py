"""The pages of the desk: a collector's own, and the cases of all for operators."""

from calling_pipeline.console.pages.desk import cases, desk

ROUTERS = (desk.router, cases.router)
