"""The seed's pipeline and its test_api.py, with Python's standard library alone.

Differs from the seed's text in one thing: one timestamp for header and signature of /execute.
Prints one JSON object of what it saw; exits with 1 where a call did not answer at all.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

BASE_URL, SHARED_SECRET, PATH = sys.argv[1:4]


def generate_signature(payload, timestamp, secret):
    message = f"{timestamp}:{json.dumps(payload, separators=(',', ':'))}"
    signature = hmac.new(
        secret.encode(),
        message.encode(),
        hashlib.sha256
    ).digest()
    return base64.b64encode(signature).decode()


def call(method, path, payload=None, secret=None):
    """Sends what `requests` sends for json=payload: the default separators, so with spaces."""
    headers = {}
    data = None
    if payload is not None:
        data = json.dumps(payload).encode()
        headers["Content-Type"] = "application/json"
    if secret is not None:
        timestamp = str(int(time.time() * 1000))
        headers["X-Timestamp"] = timestamp
        headers["X-Signature"] = generate_signature(payload, timestamp, secret)
    request = urllib.request.Request(BASE_URL + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return {"status": response.status, "body": json.load(response)}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": json.load(error)}


def desktop_automation(action, parameters):
    """The seed's pipeline tool: plan, then execute."""
    payload = {"action": action, "parameters": parameters}
    plan = call("POST", "/plan", payload, SHARED_SECRET)
    if plan["status"] != 200:
        return plan, None
    task_id = plan["body"]["task_id"]
    return plan, call("POST", "/execute", {"task_id": task_id, **payload}, SHARED_SECRET)


def events_until(stream, task_id, names):
    """The task's events up to the first of these names."""
    seen = []
    for line in stream:
        if not line.startswith(b"data: "):
            continue
        event = json.loads(line[len(b"data: "):])
        if event["task_id"] == task_id:
            seen.append(event)
            if event["event"] in names:
                break
    return seen


with urllib.request.urlopen(BASE_URL + "/events", timeout=30) as events:
    content_type = events.headers["Content-Type"]
    plan, execute = desktop_automation("fs.read", {"path": PATH})
    seen = events_until(events, plan["body"]["task_id"], ("task_completed", "task_failed"))

odd = {"action": "fs.read", "parameters": {"path": PATH, "length": 100, "offset": 1.0}}
denied, _ = desktop_automation("fs.read", {"path": "/etc/passwd"})
print(json.dumps({
    "health": call("GET", "/health"),
    "capabilities": call("GET", "/capabilities"),
    "plan": plan,
    "execute": execute,
    "events": {"content_type": content_type, "seen": seen},
    "odd_numbers": call("POST", "/plan", odd, SHARED_SECRET),
    "denied": denied,
    "invalid_signature": call("POST", "/plan", odd, "invalid-secret"),
    "unsigned": call("POST", "/plan", odd),
}))
