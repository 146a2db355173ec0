"""Dagster's code server: it says itself, by the health service of gRPC, whether it serves."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from calling_pipeline.cli.health.records import ANSWER_S


def code_server(where: str) -> tuple[bool, str]:
    """Whether the code server at `where` has loaded its code; it needs no database to be of use to the others."""
    with grpc.insecure_channel(where, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            asked = health_pb2.HealthCheckRequest(service="DagsterApi")
            status = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=ANSWER_S).status
        except grpc.RpcError as error:
            return False, f"no code server answers at {where} ({error.code().name.lower()})"
    serving = status == health_pb2.HealthCheckResponse.SERVING
    return serving, f"the code server at {where} {'serves' if serving else 'does not serve'}"
