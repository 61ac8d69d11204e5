"""The composition root: the only module that knows which store, queue and servers are used."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from urllib.parse import urlsplit

import grpc
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import _async as reflection
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from threed.access import Policy, Tokens
from threed.blobs import Store
from threed.blobs.aio import AsyncStore
from threed.blobs.disk import DiskStore
from threed.blobs.endpoint import DownloadEndpoint
from threed.blobs.signing import UrlSigner
from threed.events import Events
from threed.interceptors import Door
from threed.queue import Queue, make_broker, prepare
from threed.records import Records
from threed.records.paging import PageTokens
from threed.records.schema import migrate
from threed.services import Backend, assets, derivatives, events, render_jobs, saved_recipes, scenes, system, uploads
from threed.settings import Settings
from threed.upkeep import Upkeep
from threed.v1 import (
    assets_pb2,
    assets_pb2_grpc,
    derivatives_pb2,
    derivatives_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
    render_jobs_pb2,
    render_jobs_pb2_grpc,
    saved_recipes_pb2,
    saved_recipes_pb2_grpc,
    scenes_pb2,
    scenes_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
    uploads_pb2,
    uploads_pb2_grpc,
)

log = logging.getLogger(__name__)

_CONTRACT = (
    assets_pb2,
    uploads_pb2,
    derivatives_pb2,
    saved_recipes_pb2,
    scenes_pb2,
    render_jobs_pb2,
    events_pb2,
    system_pb2,
)
CONTRACT = [module.DESCRIPTOR for module in _CONTRACT]
SERVICES = [service.full_name for file in CONTRACT for service in file.services_by_name.values()]


def make_store(settings: Settings) -> Store:
    """The object store that the settings ask for."""
    if settings.s3_endpoint:
        from threed.blobs.s3 import S3Store

        return S3Store(
            endpoint=settings.s3_endpoint,
            bucket=settings.s3_bucket,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            region=settings.s3_region,
            secure=settings.s3_secure,
            public_endpoint=settings.s3_public_endpoint or urlsplit(settings.public_url).netloc,
            public_secure=settings.public_url.startswith("https:"),
        )
    return DiskStore(settings.blobs, UrlSigner(settings.secret()))


async def serve(settings: Settings) -> None:
    """Run one server process until SIGTERM or SIGINT."""
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    await asyncio.to_thread(migrate, settings.sqlalchemy_url())
    if not settings.broker_url:
        await asyncio.to_thread(prepare, settings.libpq_url())
    backend = make_backend(settings)
    server, healthy = make_server(settings, backend)
    endpoint = await _serve_downloads(settings, backend.blobs.blocking)
    upkeep = Upkeep(backend)
    await backend.events.start()
    await server.start()
    await upkeep.start()
    for name in ("", *SERVICES):
        await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    log.info("serving on %s, process %d", settings.listen, os.getpid())
    await _until_told_to_stop()
    log.info("stopping: calls have %s s to finish", settings.shutdown_grace_s)
    await healthy.enter_graceful_shutdown()  # the gateway sends its calls elsewhere from here on
    await upkeep.stop()
    await server.stop(settings.shutdown_grace_s)
    if endpoint:
        await endpoint.stop()
    await backend.events.stop()
    backend.queue.close()
    backend.blobs.close()
    await backend.records.close()


def make_backend(settings: Settings) -> Backend:
    """Connect every part; nothing runs yet."""
    records = Records(settings.sqlalchemy_url(), settings.database_pool_size)
    kinds: dict = {}
    backend = Backend(
        settings=settings,
        records=records,
        blobs=AsyncStore(make_store(settings)),
        queue=Queue(make_broker(settings.broker_url, settings.libpq_url())),
        events=Events(settings.libpq_url(), kinds, settings.max_watchers),
        pages=PageTokens(settings.secret()),
    )
    # Reading a watched resource needs the records that the backend holds.
    kinds.update(
        ingest=assets.watched(backend),
        derive=derivatives.watched(backend),
        render=render_jobs.watched(backend),
        probe=system.watched(backend),
    )
    return backend


def make_server(settings: Settings, backend: Backend) -> tuple[grpc.aio.Server, health.HealthServicer]:
    """The gRPC server with every service of the contract, health, reflection and channelz; nothing is SERVING yet."""
    tokens = Tokens(settings.jwks_source, settings.jwt_issuer, settings.jwt_audience)
    options = [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
    ]
    server = grpc.aio.server(interceptors=[Door(tokens, Policy(CONTRACT))], options=options)
    assets_pb2_grpc.add_AssetServiceServicer_to_server(assets.AssetService(backend), server)
    uploads_pb2_grpc.add_UploadServiceServicer_to_server(uploads.UploadService(backend), server)
    derivatives_pb2_grpc.add_DerivativeServiceServicer_to_server(derivatives.DerivativeService(backend), server)
    saved_recipes_pb2_grpc.add_RecipeServiceServicer_to_server(saved_recipes.RecipeService(backend), server)
    scenes_pb2_grpc.add_SceneServiceServicer_to_server(scenes.SceneService(backend), server)
    render_jobs_pb2_grpc.add_RenderServiceServicer_to_server(render_jobs.RenderService(backend), server)
    events_pb2_grpc.add_EventServiceServicer_to_server(events.EventService(backend), server)
    system_pb2_grpc.add_SystemServiceServicer_to_server(system.SystemService(backend), server)
    healthy = _add_operations(server)
    if server.add_insecure_port(settings.listen) == 0:
        raise OSError(f"{settings.listen} cannot be listened on. Set THREED_LISTEN to a free address.")
    return server, healthy


def _add_operations(server: grpc.aio.Server) -> health.HealthServicer:
    healthy = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    names = [*SERVICES, "grpc.health.v1.Health", "grpc.channelz.v1.Channelz"]
    reflector = reflection.ReflectionServicer(service_names=names)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflector, server)
    # grpcio-reflection knows v1alpha only; v1 has the same messages, and newer clients ask for it first.
    handler = grpc.stream_stream_rpc_method_handler(
        reflector.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    v1 = grpc.method_handlers_generic_handler("grpc.reflection.v1.ServerReflection", {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((v1,))
    channelz.add_channelz_servicer(server)
    return healthy


async def _serve_downloads(settings: Settings, store: Store) -> DownloadEndpoint | None:
    """The HTTP door of the disk store; an S3 server has its own."""
    if not isinstance(store, DiskStore):
        return None
    endpoint = DownloadEndpoint(store, UrlSigner(settings.secret()))
    host, _, port = settings.blobs_listen.rpartition(":")
    await endpoint.start_tcp(host, int(port), reuse_port=True)
    return endpoint


async def _until_told_to_stop() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
