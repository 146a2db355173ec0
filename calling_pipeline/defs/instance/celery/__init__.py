"""Runs on the processes of Celery (CALLING_EXECUTOR=celery): imported only then."""
