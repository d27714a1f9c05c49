"""
title: ByteBot Gateway, by the legacy signature
author: ByteBot Gateway
version: 1.0.0
license: MIT
description: The first documented integration: plan, then execute, signed with SHARED_SECRET.
"""

# The legacy way, for pipelines that were written against the first documentation. It shows nobody
# the plan: what needs a person is approved elsewhere, at the confirmation_url of its answer. In
# Open WebUI itself bytebot_tool.py asks the person in the chat.
#
# It reads SHARED_SECRET and, where the gateway is not at http://localhost:8089, BYTEBOT_GATEWAY_URL
# from the environment. The standard library is all it needs.

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request

from pipelines import Pipeline

pipeline = Pipeline()


def generate_signature(body, timestamp, secret):
    """Over the very timestamp that the header carries, and the compact form of the body."""
    mac = hmac.new(secret.encode(), f"{timestamp}:{body}".encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def post(path, payload):
    """One signed request: its status and its JSON, which for 4xx and 5xx says what was wrong."""
    body = json.dumps(payload, separators=(",", ":"))
    # One clock reading for both: a second one may be a millisecond later, and the signature wrong.
    timestamp = str(int(time.time() * 1000))
    url = os.environ.get("BYTEBOT_GATEWAY_URL", "http://localhost:8089").rstrip("/")
    request = urllib.request.Request(
        url + path,
        data=body.encode(),
        method="POST",
        headers={
            "Content-Type": "application/json",
            "X-Timestamp": timestamp,
            "X-Signature": generate_signature(body, timestamp, os.environ["SHARED_SECRET"]),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pipeline.tool()
def desktop_automation(action: str, parameters: dict):
    """
    Execute desktop automation through ByteBot Gateway.

    Answers the finished task, one that goes on (status running: GET /tasks/{task_id}), one that
    waits for a person (status awaiting_confirmation: they decide at confirmation_url), or the
    problem with its code, detail and hint.
    """
    payload = {"action": action, "parameters": parameters}
    status, plan = post("/plan", payload)
    if status != 200:
        return plan
    # No use in waiting for a result where a person comes first.
    waits = plan["confirmation"]["mode"] != "approver"
    target = "/execute?wait=30" if waits else "/execute"
    _, task = post(target, {"task_id": plan["task_id"], **payload})
    return task
