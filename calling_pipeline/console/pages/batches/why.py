"""`/batches/why`: why a number was called or not."""

from fastapi import APIRouter

router = APIRouter()
