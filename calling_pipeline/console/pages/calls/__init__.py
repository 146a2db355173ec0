"""The pages of calls: the list, one call's story, its recording and what reviewers think of it."""

from calling_pipeline.console.pages.calls import call, calls, recording

ROUTERS = (calls.router, call.router, recording.router)
