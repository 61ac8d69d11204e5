from __future__ import annotations

import contextlib
import os
import signal
import time

import pika
import pytest
from tests.servers.folder import short_folder
from tests.servers.rabbitmq import Node, fresh_vhost


def test_a_message_that_is_published_is_consumed(rabbitmq_url):
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(rabbitmq_url))) as connection:
        channel = connection.channel()
        channel.queue_declare("jobs", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "jobs", b"job_1", mandatory=True)
        method, _, body = next(channel.consume("jobs", inactivity_timeout=10))
        channel.basic_ack(method.delivery_tag)
        channel.cancel()
        assert body == b"job_1"


def test_a_test_sees_no_queue_of_another(rabbitmq, rabbitmq_url):
    with fresh_vhost(rabbitmq) as other:
        with contextlib.closing(pika.BlockingConnection(pika.URLParameters(other))) as connection:
            connection.channel().queue_declare("mine")
        with contextlib.closing(pika.BlockingConnection(pika.URLParameters(rabbitmq_url))) as connection:
            with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="no queue 'mine'"):
                connection.channel().queue_declare("mine", passive=True)


def test_a_wrong_password_is_refused(rabbitmq_url, rabbitmq):
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(pika.URLParameters(rabbitmq_url.replace(rabbitmq.password, "wrong")))


def test_a_confirmed_message_survives_a_kill_of_the_node(rabbitmq):
    with short_folder() as folder:
        node = Node(folder)
        with node.running() as broker:
            _publish(broker.url("/"))
            os.kill(broker.pid, signal.SIGKILL)
        with node.running() as broker:
            with contextlib.closing(pika.BlockingConnection(pika.URLParameters(broker.url("/")))) as connection:
                assert _get(connection) == b"kept"


def _publish(url: str) -> None:
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        channel = connection.channel()
        channel.queue_declare("jobs", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "jobs", b"kept", pika.BasicProperties(delivery_mode=2))


def _get(connection: pika.BlockingConnection) -> bytes | None:
    for _ in range(50):  # the queue comes back a moment after the node
        with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            method, _, body = connection.channel().basic_get("jobs", auto_ack=True)
            if method:
                return body
        time.sleep(0.1)
    return None
