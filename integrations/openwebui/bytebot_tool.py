"""
title: ByteBot Gateway
author: ByteBot Gateway
version: 1.0.0
license: MIT
description: Files, browser, mouse, keyboard, programs and the agent of a desktop. A person sees each plan in the chat and says yes or no; the model cannot.
required_open_webui_version: 0.10.0
"""

# One file, because it is pasted into Open WebUI; it needs nothing beyond the standard library and
# pydantic, which Open WebUI has. Everything but the methods of Tools stands outside of that class:
# Open WebUI offers every method of it to the model, in some versions private ones too, and what
# confirms must never be among them.

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
import unicodedata
import urllib.parse
import uuid
import weakref
from typing import Any, Literal, Optional

from pydantic import BaseModel, Field

PASSWORD = {"input": {"type": "password"}}

# What each code of the gateway means to the model and the user. A failed task has the same codes.
ADVICE = {
    "invalid_request": "The arguments were not accepted. Correct what the detail names and call again.",
    "signature_missing": "The gateway wants credentials. An admin sets the key in this tool's valves.",
    "signature_invalid": "The gateway does not accept the key. An admin compares key id and secret in this tool's valves with the gateway's.",
    "timestamp_out_of_window": "The clocks of Open WebUI and the gateway differ too much. An admin corrects them.",
    "signature_replayed": "The gateway has seen this signature before. Call once more.",
    "token_invalid": "The gateway does not accept the token. An admin replaces it in this tool's valves.",
    "capability_unknown": "The gateway does not know this action. Use another tool.",
    "capability_disabled": "This action is switched off on the gateway. Do not try it again; its operator can enable it in the policy.",
    "path_not_allowed": "This path is outside of what the policy allows. Ask for one of the allowed folders.",
    "domain_not_allowed": "This address is outside of what the policy allows. Do not try to reach it in another way.",
    "command_not_allowed": "This command is outside of what the policy allows. Do not try to run it in another way.",
    "application_not_allowed": "This application is outside of what the policy allows.",
    "scope_missing": "The key in this tool's valves lacks the right for this. An admin gives the tool the right key.",
    "host_not_allowed": "The gateway does not answer to this name. An admin corrects gateway_url, or adds the name to the gateway's ALLOWED_HOSTS.",
    "not_found": "The gateway has no such address. An admin checks gateway_url in this tool's valves.",
    "task_not_found": "There is no such task: the id is wrong, or the task was removed with age.",
    "artifact_not_found": "The file is no longer kept, or is another key's.",
    "method_not_allowed": "The gateway does not take this kind of request. Its version may not fit this tool.",
    "plan_mismatch": "What was asked for is not what was planned. Plan again.",
    "digest_mismatch": "The plan is not the one that was shown, so it was not approved. Plan again.",
    "state_changed": "What the plan was made for has changed since, so it did not go on. Look again, then plan again.",
    "already_decided": "Somebody has decided on this plan already. Look at task_status.",
    "same_approver": "Policy asks for a second approver, who must be somebody else.",
    "task_rejected": "A person rejected this. Ask the user what they want instead; do not try the same again.",
    "task_cancelled": "The task was cancelled. Ask the user before trying again.",
    "plan_expired": "Nobody decided in time. Call again if it is still wanted.",
    "plan_corrupted": "What is stored of this task is not what was planned, so nothing of it runs. Tell the user: an operator must look at the gateway.",
    "body_too_large": "This is too much for one request. Send less at once.",
    "file_too_large": "The file is larger than the policy allows. Read it in parts with offset and length, or write less.",
    "unsupported_media_type": "The gateway does not take this kind of body. Its version may not fit this tool.",
    "rate_limited": "Too many requests. Wait as long as retry_after says, then call again.",
    "queue_full": "Too many tasks wait already. Wait until some are finished.",
    "headers_too_large": "The request's headers are too large. An admin checks the lengths of key id and token in the valves.",
    "internal_error": "The gateway has a fault. Its operator finds the cause in its log.",
    "bytebot_error": "ByteBot answered with a failure. Look at the screen before trying again.",
    "bytebot_unavailable": "ByteBot does not answer; nothing was done. Try later.",
    "desktop_unavailable": "The desktop cannot do this. The detail says what is missing.",
    "audit_unavailable": "The gateway cannot write its audit log, so nothing was done. Its operator frees disk space.",
    "stopped": "An approver has stopped the gateway. It takes no work until it is resumed.",
    "timeout": "It took too long and was ended. Look how far it came before trying again.",
    "file_not_found": "There is no such file or folder. List the folder to find the right name.",
    "file_exists": "There is a file already. Use mode overwrite or append, or another name.",
    "not_a_file": "This is no regular file: a folder, link or device.",
    "disk_full": "The disk of the files is full, and nothing was written. Its operator frees space; then try again.",
    "text_not_found": "old_text is not in the file, or more than once. Read the file and copy a longer passage exactly.",
    "command_failed": "The command could not be started, or a signal or limit ended it.",
    "outcome_unknown": "Nobody knows how far it came. Look at the result before planning again.",
    # This tool's own.
    "not_configured": "This tool is not set up. An admin fills in its valves.",
    "unreachable": "The gateway does not answer. An admin checks that it runs and that gateway_url in the valves is right.",
    "bad_answer": "What answers at gateway_url is not a ByteBot Gateway that fits this tool.",
    "tool_fault": "This tool has a fault.",
}

OPEN = frozenset({"planned", "awaiting_confirmation"})
FINISHED = frozenset({"completed", "failed", "cancelled", "interrupted", "rejected", "expired"})
ENDS = {
    "rejected": ("task_rejected", "A person rejected it. Nothing has run."),
    "cancelled": ("task_cancelled", "It was cancelled."),
    "expired": ("plan_expired", "Nobody decided in time. Nothing has run."),
    "interrupted": ("outcome_unknown", "The gateway ended while it ran."),
    "failed": ("outcome_unknown", "It failed."),
}
IMAGES = frozenset({"image/png", "image/jpeg", "image/webp"})
# Actions whose picture says all that the model wants of them.
PICTURED = frozenset({"screen.capture", "browser.open", "app.open", "fs.read"})
RISKS = ("low", "medium", "high")
# What is typed to let a plan run, and to see its next page.
WORD, NEXT_WORD = "approve", "next"
MAX_ANSWER = 64 * 1024 * 1024


# What is said before the message where something failed after the task was let run.
UNKNOWN = "Whether it ran is not known, so do not call again for the same thing: ask task_status with this task_id first."


class GatewayProblem(Exception):
    """Why something was not done. Its texts go to the user and the model, so they hold no secret."""

    def __init__(self, code, detail="", hint="", retry_after=None, may_have_acted=False):
        super().__init__(code)
        self.code = code if isinstance(code, str) and code in ADVICE else "bad_answer"
        self.detail = detail
        self.hint = hint
        self.retry_after = retry_after
        # The request may have reached the gateway, which may have done what it asks.
        self.may_have_acted = may_have_acted or self.code in ("internal_error", "bad_answer")

    @property
    def is_passing(self):
        """It may be gone in a moment, and nothing was decided."""
        return self.code in ("unreachable", "rate_limited", "internal_error", "bad_answer")


# --- Talking to the gateway ---------------------------------------------------------------------

_clock = threading.Lock()
_last_timestamp = 0


def next_timestamp():
    """Milliseconds since 1970, never the same twice: a signature works once."""
    global _last_timestamp
    with _clock:
        _last_timestamp = max(int(time.time() * 1000), _last_timestamp + 1)
        return str(_last_timestamp)


class Key:
    """Who calls: a signing key, or a bearer token. Never printed."""

    def __init__(self, key_id, secret, token=""):
        self.key_id = key_id
        self.secret = secret
        self.token = token

    def headers(self, method, target, text):
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        timestamp = next_timestamp()
        path = target.partition("?")[0]
        if method == "POST" and path in ("/plan", "/execute"):
            message = f"{timestamp}:{text}"
        else:
            message = f"{timestamp}:{method} {target}:{text}"
        mac = hmac.new(self.secret.encode(), message.encode(), hashlib.sha256).digest()
        return {
            "X-Key-Id": self.key_id,
            "X-Timestamp": timestamp,
            "X-Signature": base64.b64encode(mac).decode(),
        }


class Gateway:
    """Blocking calls run in threads. No redirects are followed and no proxies used: both would get the key."""

    def __init__(self, valves):
        self.timeout = valves.request_timeout_seconds
        url = urllib.parse.urlsplit(valves.gateway_url.strip())
        try:
            port = url.port
        except ValueError:
            port = -1
        odd = url.username or url.password or url.query or url.fragment or port == -1
        if url.scheme not in ("http", "https") or not url.hostname or odd:
            raise GatewayProblem(
                "not_configured", "gateway_url is no address such as http://localhost:8089."
            )
        self.host, self.port, self.prefix = url.hostname, port, url.path.rstrip("/")
        self.tls = None
        if url.scheme == "https":
            try:
                self.tls = ssl.create_default_context(cafile=valves.ca_file or None)
            except OSError:
                raise GatewayProblem(
                    "not_configured", "The file of ca_file cannot be read."
                ) from None
            if not valves.verify_tls:
                self.tls.check_hostname = False
                self.tls.verify_mode = ssl.CERT_NONE
        secret, token = valves.secret.strip(), valves.token.strip()
        if not secret and not token:
            raise GatewayProblem("not_configured", "Neither secret nor token is set.")
        self.requester = Key(valves.key_id.strip(), secret, token)
        approver = valves.approver_secret.strip()
        if approver and approver in (secret, token):
            raise GatewayProblem(
                "not_configured", "approver_secret must be another secret than the requester's."
            )
        self.approver = Key(valves.approver_key_id.strip(), approver) if approver else None

    async def json(self, method, target, body=None, key=None, headers=None):
        """The parsed answer. Raises GatewayProblem. What was lost on the way is asked for once more."""
        may_have_acted = False
        for is_last in (False, True):
            try:
                data, _ = await self.bytes(method, target, body, key, headers)
                break
            except GatewayProblem as problem:
                may_have_acted = may_have_acted or problem.may_have_acted
                problem.may_have_acted = may_have_acted
                if is_last or problem.code not in ("unreachable", "signature_replayed"):
                    raise
        answer = parse(data)
        if not isinstance(answer, dict):
            raise GatewayProblem("bad_answer", "The answer is no JSON object.")
        return answer

    async def bytes(self, method, target, body=None, key=None, headers=None, limit=MAX_ANSWER):
        """Body and media type. A `limit` in bytes cuts nothing: more is a problem."""
        return await asyncio.to_thread(
            self.exchange, method, target, body, key or self.requester, headers or {}, limit
        )

    def connect(self, timeout):
        if self.tls is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.tls)

    def exchange(self, method, target, body, key, headers, limit):
        try:
            text = "" if body is None else json.dumps(body, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise GatewayProblem("invalid_request", "The arguments are no JSON.") from None
        connection = self.connect(self.timeout)
        is_connected = False
        try:
            sent = {**headers, **key.headers(method, target, text)}
            if text:
                sent["Content-Type"] = "application/json"
            connection.connect()
            is_connected = True
            connection.request(method, self.prefix + target, text.encode() or None, sent)
            answer = connection.getresponse()
            data = answer.read(limit + 1)
            status, media_type = answer.status, answer.headers.get_content_type()
        except (OSError, http.client.HTTPException) as error:
            raise GatewayProblem(
                "unreachable", f"({type(error).__name__})", may_have_acted=is_connected
            ) from None
        except ValueError:
            # Python's own message would quote the header, and with it the token.
            raise GatewayProblem(
                "not_configured", "Key id, secret or token has characters that cannot be sent."
            ) from None
        finally:
            connection.close()
        if status >= 300:
            raise read_problem(status, parse(data))
        if len(data) > limit:
            raise GatewayProblem("bad_answer", f"The answer has more than {limit} bytes.")
        return data, media_type


def parse(data):
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def read_problem(status, body):
    code = body.get("code") if isinstance(body, dict) else None
    if not isinstance(code, str) or code not in ADVICE:
        return GatewayProblem("bad_answer", f"It answered with the status {status}.")
    allowed = [
        f"{name}: {', '.join(map(str, value[:20]))}"
        for name, value in body.items()
        if name.startswith("allowed_") and isinstance(value, list)
    ]
    detail = " ".join([str(body.get("detail", "")), *allowed]).strip()
    return GatewayProblem(body["code"], detail, str(body.get("hint", "")), body.get("retry_after"))


class EventFeed:
    """The events of one task, read by a thread of its own; resumes where it broke off."""

    def __init__(self, gateway, task_id):
        self.gateway, self.task_id = gateway, task_id
        self.queue = asyncio.Queue()
        self.loop = asyncio.get_running_loop()
        self.last_id = "0"
        self.stopped = threading.Event()
        self.socket = None
        threading.Thread(target=self.read, name="bytebot-events", daemon=True).start()

    async def next(self, seconds):
        """The next event, or None if there is none in that time."""
        # Not wait_for: in Python 3.11 it can swallow that the chat was stopped.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.queue.get()
        return None

    def close(self):
        self.stopped.set()
        with contextlib.suppress(Exception):
            self.socket.shutdown(socket.SHUT_RDWR)

    def read(self):
        for attempt in range(1, 20):
            # Without the stream the task is still polled, so giving up here loses no result.
            with contextlib.suppress(Exception):
                self.read_once()
            if self.stopped.wait(min(0.5 * attempt, 10)):
                return

    def read_once(self):
        target = f"/events?task_id={self.task_id}&since={self.last_id}"
        # The gateway sends a comment every 15 seconds.
        connection = self.gateway.connect(45)
        try:
            connection.connect()
            self.socket = connection.sock
            if self.stopped.is_set():
                return
            headers = self.gateway.requester.headers("GET", target, "")
            connection.request("GET", self.gateway.prefix + target, None, headers)
            answer = connection.getresponse()
            if answer.status != 200:
                return
            with answer:
                event_id = ""
                while line := answer.readline(1 << 20):
                    if line.startswith(b"id: "):
                        event_id = line[4:].decode().strip()
                    elif line.startswith(b"data: "):
                        event = parse(line[6:])
                        if isinstance(event, dict):
                            self.loop.call_soon_threadsafe(self.queue.put_nowait, event)
                        if event_id.isdigit():
                            self.last_id = event_id
        finally:
            connection.close()


# --- Text that is only text ---------------------------------------------------------------------

# Invisible by default, though their categories do not say so (Default_Ignorable_Code_Point), and
# the blank Braille cell.
IGNORABLE = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE0FFF),
)


def is_hidden(character):
    if " " <= character <= "~":
        return False
    category = unicodedata.category(character)
    if category[0] == "C" or category in ("Zl", "Zp", "Zs"):
        return True
    code = ord(character)
    return any(first <= code <= last for first, last in IGNORABLE)


def make_visible(text):
    """The text with every invisible or misleading character written out, as ⟦U+202E⟧. Nothing is removed."""
    shown, marks = [], 0
    for character in str(text):
        is_mark = unicodedata.category(character)[0] == "M"
        marks = marks + 1 if is_mark else 0
        # More marks than a script needs would draw over the lines around them.
        if marks > 4 or is_hidden(character):
            shown.append(f"⟦U+{ord(character):04X}⟧")
        else:
            shown.append(character)
    return "".join(shown)


def one_line(text, most=200):
    """For what is not decided on: status lines, the name of the user."""
    visible = make_visible(text)
    return visible if len(visible) <= most else f"{visible[: most - 1]}…"


def wrap(text, width):
    pieces, piece, columns = [], "", 0
    for character in text:
        size = 2 if unicodedata.east_asian_width(character) in "WFA" else 1
        if columns + size > width:
            pieces.append(piece)
            piece, columns = "", 0
        piece += character
        columns += size
    return [*pieces, piece]


def block(text, width):
    """Text of others: each of its lines behind a bar, the rest of a long one behind a dotted bar."""
    lines = []
    for line in str(text).split("\n"):
        visible = "→".join(make_visible(part) for part in line.split("\t"))
        if visible.endswith(" "):
            visible = f"{visible[:-1]}⟦U+0020⟧"
        first, *rest = wrap(visible, width - 2)
        lines += [f"│ {first}", *(f"┊ {part}" for part in rest)]
    return lines


def field(name, value, width):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text == "" or text != text.strip():
        text = json.dumps(text, ensure_ascii=False)
    label = make_visible(name)
    if "\n" not in text and len(wrap(f"{label}: {make_visible(text)}", width)) == 1:
        return [f"{label}: {make_visible(text)}"]
    return [*wrap(f"{label}:", width), *block(text, width)]


class Picture:
    def __init__(self, url, width, height):
        self.url = url
        self.aspect = height / max(1, width)


def describe(task, user, width, pictures):
    """All of a plan that an approver decides on: lines of inert text, and pictures. Nothing is cut."""
    risk = task["estimated_risk"]
    items = [f"{risk.upper()} RISK", *block(task["plan_summary"], width)]
    if task.get("title"):
        items += field("Title", task["title"], width)
    steps = task["steps"]
    for number, step in enumerate(steps, 1):
        lead = f"Step {number} of {len(steps)}: " if len(steps) > 1 else "Action: "
        items += wrap(make_visible(f"{lead}{step['action']}, {step['risk']} risk"), width)
        if len(steps) > 1:
            items += block(step["summary"], width)
        preview = step.get("preview") or {}
        items += describe_preview(preview, width, pictures)
        for name, value in step["parameters"].items():
            if not is_shown_by(preview, step, name, value):
                items += field(name, value, width)
        items += ["Because", *block("\n".join(step["reasons"]), width)]
    items += field("Desktop", task["desktop"], width)
    items += field("Key that asks", task.get("requester", ""), width)
    items += field("You", user, width)
    for approval in task.get("approvals", []):
        items += field("Approved already by", approval["key_id"], width)
    needed = task["confirmation"].get("approvals_required", 1)
    if needed > 1:
        items += field("Approvers needed", needed, width)
    items += field("Expires", task["expires_at"], width)
    items += field("Task", task["task_id"], width)
    items += field("Digest", task["plan_digest"], width)
    return items


def is_shown_by(preview, step, name, value):
    """Whether the preview shows this parameter whole already."""
    if preview.get("kind") == "diff":
        is_whole = not preview["truncated"] and not preview.get("note") and preview["diff"]
        is_text = step["parameters"].get("encoding", "utf8") == "utf8"
        return bool(
            (is_whole and is_text and name in ("content", "old_text", "new_text"))
            or (name == "path" and value == preview["path"])
        )
    same = {"url": "href", "command": "argv", "text": "text", "agent": "description"}
    shown = same.get(preview.get("kind"))
    return shown is not None and value != "" and value == preview.get(shown)


def describe_preview(preview, width, pictures):
    kind = preview.get("kind")
    items = []
    if kind == "diff":
        diff = preview["diff"]
        items += field("File", preview["path"], width)
        items += (
            ["Change", *block(diff[:-1] if diff.endswith("\n") else diff, width)]
            if diff
            else ["Nothing would change."]
        )
        if preview["truncated"]:
            items += block("The change goes on; the parameters show all of it.", width)
    elif kind == "url":
        host = preview["host"] + (f", port {preview['port']}" if preview["port"] else "")
        items += field("Host", host, width)
        items += field("Path", preview["path"], width)
        items += field("Address", preview["href"], width)
    elif kind == "command":
        words = [json.dumps(word, ensure_ascii=False) for word in preview["argv"]]
        items += ["Runs, each word on its own line", *block("\n".join(words), width)]
    elif kind == "text":
        items += ["Text", *block(preview["text"], width)]
    elif kind == "screenshot":
        items += ["The screen when this was planned, its target marked"]
        picture = pictures.get(preview["artifact_id"])
        if picture is None:
            raise Unshowable("the picture of the screen cannot be shown here")
        items.append(picture)
        places = "; ".join(f"{target['x']}, {target['y']}" for target in preview["targets"])
        items += field("At", places, width)
    elif kind == "agent":
        items += ["Task for the agent", *block(preview["description"], width)]
        items += ["It may act by itself within this", *block("\n".join(preview["envelope"]), width)]
    elif kind is not None:
        raise Unshowable("the plan has a preview that this version of the tool does not know")
    if preview.get("note"):
        items += ["Note", *block(preview["note"], width)]
    return items


class Unshowable(Exception):
    """What cannot be shown whole cannot be approved here. The text is our own."""


def paginate(items, lines):
    """Pages that fit onto the dialog, which does not scroll in every version of Open WebUI."""
    pages, page, used = [], [], 0
    for item in items:
        # 54 columns of the dialog are as wide as 23 of its lines are high.
        size = min(lines, round(23 * item.aspect) + 1) if isinstance(item, Picture) else 1
        if page and used + size > lines:
            pages.append(page)
            page, used = [], 0
        page.append(item)
        used += size
    return [*pages, page] if page else pages


def markdown(page):
    """Text stands in a fence, which nothing in it can end: no line of it begins with a backtick."""
    parts, lines = [], []

    def flush():
        if lines:
            parts.append("\n".join(["```text", *lines, "```"]))
            lines.clear()

    for item in page:
        if isinstance(item, Picture):
            flush()
            parts.append(f"![screen]({item.url})")
        else:
            # Only a long name of a parameter could begin a line with one.
            lines.append(f"│ {item}" if item.lstrip().startswith("`") else item)
    flush()
    return "\n\n".join(parts)


# --- Asking the person --------------------------------------------------------------------------

_locks = weakref.WeakValueDictionary()


def dialog_lock(chat):
    """One dialog at a time for each tab: a second one would take the first one's place on the screen."""
    name = (id(asyncio.get_running_loop()), chat)
    lock = _locks.get(name)
    if lock is None:
        lock = _locks[name] = asyncio.Lock()
    return lock


class Dialog:
    """Shows the pages of a plan one after the other. `ask` gives yes, no, or why it is neither."""

    def __init__(self, call, pages, risk, valves, chat):
        self.call, self.pages, self.risk = call, pages, risk
        self.valves, self.chat = valves, chat
        # What Open WebUI gave instead of an answer.
        self.error = ""

    async def ask(self):
        async with dialog_lock(self.chat):
            count = len(self.pages)
            for number, page in enumerate(self.pages, 1):
                answer = await self.ask_page(page, number, count)
                if answer != "yes":
                    return answer
            return "yes"

    async def ask_page(self, page, number, count):
        is_last = number == count
        if is_last and RISKS.index(self.risk) >= RISKS.index(self.valves.type_word_from):
            return await self.put(page, number, count, WORD)
        began = time.monotonic()
        answer = await self.put(page, number, count, None)
        # An Enter that was meant for something else, or is held down, confirms the dialog that has
        # just come up, however often it does. It types no word.
        if answer == "yes" and time.monotonic() - began < self.valves.ask_again_below_seconds:
            return await self.put(page, number, count, WORD if is_last else NEXT_WORD, is_again=True)
        return answer

    async def put(self, page, number, count, word, is_again=False):
        is_last = number == count
        if word is not None and is_last:
            lead = f"**Type {word} to let this run.** Anything else, and nothing runs."
        elif word is not None:
            lead = f"**Type {word} to see the next page of {count}.** Nothing runs yet."
        elif is_last:
            lead = "**Confirm lets exactly this run, once.**"
        else:
            lead = f"**Page {number} of {count}.** Confirm shows the next page; nothing runs yet."
        if is_again:
            lead = f"That came faster than one reads. {lead}"
        event = {
            "type": "confirmation" if word is None else "input",
            "data": {
                "title": f"Allow this on the desktop? {self.risk.capitalize()} risk"
                + (f", page {number} of {count}" if count > 1 else ""),
                "message": f"{lead}\n\n{markdown(page)}",
                **({} if word is None else {"placeholder": "The word that the text above asks for"}),
            },
        }
        answer = await self.show(event)
        if isinstance(answer, dict) and answer.get("error"):
            self.error = one_line(answer["error"])
            return "error"
        return read_answer(answer, word)

    async def show(self, event):
        try:
            return await self.call(event)
        except Exception as error:
            return {"error": f"The dialog failed ({type(error).__name__})."}


def read_answer(answer, word):
    """Only True is a yes, or the very word; no browser answers None."""
    if answer is None:
        return "absent"
    if answer is False:
        return "no"
    if word is not None and isinstance(answer, str):
        return "yes" if answer.strip().casefold() == word else "word"
    return "yes" if answer is True and word is None else "odd"


# What the model and the user are told where nobody said yes in the dialog. Nothing ran in any of these.
REFUSALS = {
    "no": (
        "rejected",
        "The user said no. Nothing has run. Ask what they want instead; do not try the same again.",
    ),
    "absent": (
        "denied",
        "There is no browser session that could ask the user, so nothing has run. It needs an open chat in the browser.",
    ),
    "word": (
        "denied",
        "The user typed something else than the word that the dialog asked for, so nothing has run. Ask them whether they meant to approve; then call again.",
    ),
    "error": (
        "denied",
        "Open WebUI could not ask the user, so nothing has run. It said: {error} If the user wants it, they keep this chat open and in front, reload the page, and you call again.",
    ),
    "odd": (
        "denied",
        "The dialog gave no clear yes, so nothing has run. If the user meant to approve, they reload the page and ask again.",
    ),
    "late": (
        "denied",
        "The user did not answer in time, so nothing has run. Ask them whether it is still wanted.",
    ),
}


class Status:
    """The line under the message. A browser that is gone must not stop the work."""

    def __init__(self, emitter):
        self.emitter = emitter
        self.last = None

    async def emit(self, event):
        if self.emitter is None:
            return False
        try:
            async with asyncio.timeout(10):
                await self.emitter(event)
            return True
        except Exception:
            return False

    async def say(self, text, done=False):
        text = one_line(text)
        if text == self.last and not done:
            return
        self.last = text
        await self.emit({"type": "status", "data": {"description": text, "done": done}})


def name_user(user):
    """Who sits there, by what Open WebUI itself says; recorded as claimed."""
    for name in ("email", "id", "name"):
        value = str((user or {}).get(name) or "").strip()
        if value:
            return one_line(value, 180)
    return "Open WebUI user"


def may_approve(user, approving_users):
    """Not by name: users choose theirs."""
    names = [name.strip().casefold() for name in approving_users.split(",") if name.strip()]
    if not names:
        return True
    user = user or {}
    own = {str(user.get(name) or "").casefold() for name in ("email", "id")}
    own.add(f"role:{user.get('role')}".casefold())
    return any(name in own for name in names)


# --- Plan, confirm, execute ---------------------------------------------------------------------

_background = set()


class Run:
    """One call of the model, from the plan to the result."""

    def __init__(self, valves, user, metadata, emitter, call):
        self.valves = valves
        self.user = user
        self.call = call
        self.status = Status(emitter)
        self.chat = str((metadata or {}).get("session_id") or (user or {}).get("id") or "unknown")
        self.gateway = None
        self.feed = None
        self.task_id = None
        # The task may run, or start by itself, and is ours to end.
        self.is_open = False
        # It was let run, or that request was lost on the way: no error means that nothing ran.
        self.may_run = False
        # An error says nothing about the task that is asked about.
        self.is_about_another = False

    async def perform(self, plan):
        return await self.guarded(lambda: self.carry_out(plan))

    async def look(self, task_id, seconds):
        self.is_about_another = True
        return await self.guarded(lambda: self.wait_for_task(task_id, seconds))

    async def stop(self, task_id):
        self.is_about_another = True
        return await self.guarded(lambda: self.cancel_task(task_id))

    async def guarded(self, work):
        """The answer for the model, always; the status line always ends."""
        last = "Ended"
        try:
            self.gateway = Gateway(self.valves)
            answer = await work()
            last = answer.pop("status_line", None) or str(answer.get("status", "Done"))
        except asyncio.CancelledError:
            last = "Stopped"
            await self.abandon()
            raise
        except GatewayProblem as problem:
            await self.abandon()
            answer = self.explain(problem)
            last = f"{'Not known whether it ran' if self.may_run else 'Not done'}: {ADVICE[problem.code]}"
        except Exception as error:
            await self.abandon()
            answer = self.explain(GatewayProblem("tool_fault", f"({type(error).__name__})"))
            last = f"{'Not known whether it ran' if self.may_run else 'Not done'}: a fault of this tool"
        finally:
            if self.feed is not None:
                self.feed.close()
            await self.status.say(self.scrub(last), done=True)
        picture = answer.pop("picture", None)
        if picture is not None:
            return picture
        if self.task_id is not None:
            answer.setdefault("task_id", self.task_id)
        return self.scrub(shorten(answer, self.valves.max_result_chars))

    def explain(self, problem):
        answer = explain(problem)
        if self.may_run or self.is_about_another:
            answer["status"] = "unknown"
        if self.may_run:
            answer["message"] = f"{UNKNOWN} {answer['message']}"
        return answer

    def scrub(self, text):
        """The last line of defence: no answer holds a secret, wherever it came from."""
        valves = self.valves
        for secret in (valves.secret, valves.token, valves.approver_secret):
            if len(secret.strip()) >= 8:
                text = text.replace(secret.strip(), "[secret]")
        return text

    async def carry_out(self, plan):
        await self.status.say("Planning")
        if self.valves.desktop:
            plan.setdefault("desktop", self.valves.desktop)
        # With the key, a lost answer may be asked for again without a second plan.
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        planned = await self.gateway.json("POST", "/plan", plan, headers=headers)
        self.task_id = planned["task_id"]
        self.is_open = True
        self.feed = EventFeed(self.gateway, self.task_id)
        if planned["confirmation"]["mode"] == "approver":
            refusal = await self.get_decision(planned)
            if refusal is not None:
                return refusal
        else:
            await self.let_run(self.execute())
        self.may_run = True
        task = await self.follow(FINISHED, self.valves.run_timeout_seconds)
        if task["status"] not in FINISHED:
            self.is_open = False
            return unfinished(task)
        self.is_open = False
        return await self.outcome(task)

    async def let_run(self, request):
        try:
            return await request
        except GatewayProblem as problem:
            self.may_run = problem.may_have_acted
            raise

    async def execute(self):
        return await self.gateway.json("POST", "/execute", {"task_id": self.task_id})

    async def get_decision(self, planned):
        """None once it is decided, here or elsewhere; else the answer for the model."""
        summary = one_line(planned["plan_summary"], 120)
        url = planned["confirmation"]["url"]
        obstacle, dialog, shown = None, None, None
        if self.gateway.approver is None:
            obstacle = "no approver's key is set up here"
        elif not may_approve(self.user, self.valves.approving_users):
            obstacle = "this user may not approve"
        elif self.call is None:
            return await self.refuse("absent")
        else:
            shown = await self.read_as_approver()
            if shown["plan_digest"] != planned["plan_digest"]:
                raise GatewayProblem("digest_mismatch", "The approver sees another plan.")
            try:
                dialog = await self.make_dialog(shown)
            except Unshowable as reason:
                obstacle = str(reason)
        # Executed before it is approved, it starts by itself wherever that happens.
        await self.execute()
        if dialog is None:
            return await self.wait_elsewhere(url, obstacle)
        await self.status.say(f"Waiting for your decision: {summary}")
        answer = await self.race(dialog)
        if answer == "elsewhere":
            return None
        if answer != "yes":
            return await self.refuse(answer, dialog.error)
        return await self.approve(shown, url)

    async def read_as_approver(self):
        return await self.gateway.json("GET", f"/tasks/{self.task_id}", key=self.gateway.approver)

    async def make_dialog(self, task):
        pictures = {}
        for step in task["steps"]:
            preview = step.get("preview") or {}
            if preview.get("kind") == "screenshot":
                url = await self.data_url(preview["artifact_id"], self.gateway.approver)
                if url is not None:
                    pictures[preview["artifact_id"]] = Picture(
                        url, preview["width"], preview["height"]
                    )
        items = describe(task, name_user(self.user), self.valves.dialog_columns, pictures)
        pages = paginate(items, self.valves.dialog_lines)
        if len(pages) > self.valves.dialog_pages:
            raise Unshowable("the plan is too long to be shown whole in a dialog")
        return Dialog(self.call, pages, task["estimated_risk"], self.valves, self.chat)

    async def race(self, dialog):
        """The person here, or an approver elsewhere: whoever decides first."""
        asked = asyncio.ensure_future(dialog.ask())
        decided = asyncio.ensure_future(self.follow_decision())
        try:
            done, _ = await asyncio.wait(
                {asked, decided},
                timeout=self.valves.decision_timeout_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if decided in done:
                decided.result()
                return "elsewhere"
            return asked.result() if asked in done else "late"
        finally:
            for task in (asked, decided):
                # Not awaited: a dialog may ignore that it is cancelled.
                task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                task.cancel()

    async def follow_decision(self):
        await self.follow(None, None, is_quiet=True)

    async def approve(self, shown, url):
        body = {
            "task_id": self.task_id,
            "plan_digest": shown["plan_digest"],
            "decision": "approve",
            "on_behalf_of": name_user(self.user),
        }
        try:
            confirming = self.gateway.json("POST", "/confirm", body, self.gateway.approver)
            task = await self.let_run(confirming)
        except GatewayProblem as problem:
            if problem.code != "already_decided" and problem.code != "same_approver":
                raise
            task = await self.read()
        if task["status"] in OPEN:
            return await self.wait_elsewhere(url, "policy asks for another approver besides you")
        return None

    async def wait_elsewhere(self, url, obstacle):
        """Nobody can say yes here: tells where, and waits for it."""
        await self.status.say(f"Waiting for an approver at {url} ({obstacle})")
        task = await self.follow(None, self.valves.decision_timeout_seconds, is_quiet=True)
        if task["status"] not in OPEN:
            return None
        self.is_open = False
        return {
            "status": task["status"],
            "confirmation_url": url,
            "message": f"Nothing has run. It waits for an approver, because {obstacle}. Give the user the link {url} in your answer, to decide there; it starts by itself once approved. Then ask task_status with this task_id; do not call again for the same thing.",
            "status_line": f"Waits for an approver at {url}",
        }

    async def refuse(self, answer, error=""):
        """A person's no is recorded as theirs; whatever else is no yes only ends the task."""
        status, message = REFUSALS[answer]
        message = message.replace("{error}", error)
        try:
            if answer == "no":
                await self.reject()
            else:
                await self.cancel(self.task_id)
        except GatewayProblem as problem:
            if problem.code in ("already_decided", "plan_expired"):
                await self.cancel(self.task_id)
            else:
                message += " The gateway could not be told; the plan was not approved and expires by itself."
        self.is_open = False
        return {"status": status, "message": message}

    async def reject(self):
        task = await self.read_as_approver()
        body = {
            "task_id": self.task_id,
            "plan_digest": task["plan_digest"],
            "decision": "reject",
            "reason": "Declined in the chat",
            "on_behalf_of": name_user(self.user),
        }
        await self.gateway.json("POST", "/confirm", body, self.gateway.approver)

    async def read(self):
        return await self.gateway.json("GET", f"/tasks/{self.task_id}")

    async def cancel(self, task_id):
        return await self.gateway.json("POST", f"/tasks/{task_id}/cancel")

    async def abandon(self):
        """The call ends without a result: what it began ends too, also if this is cut off again."""
        if not self.is_open:
            return
        self.is_open = False
        work = asyncio.ensure_future(self.cancel(self.task_id))
        _background.add(work)
        work.add_done_callback(_background.discard)
        work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await asyncio.wait({work}, timeout=10)

    async def follow(self, until, seconds, is_quiet=False):
        """
        The task as soon as its status is one of `until` (None: it is decided), or when the time is
        up. A gateway that is gone for a moment is waited for.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        lost_at = None
        while True:
            try:
                task = await self.read()
                lost_at = None
                status = task["status"]
                if status in until if until is not None else status not in OPEN:
                    return task
                if deadline is not None and time.monotonic() >= deadline:
                    return task
                if not is_quiet:
                    await self.report(task.get("message"), task.get("progress"), status)
            except GatewayProblem as problem:
                lost_at = lost_at or time.monotonic()
                if (
                    not problem.is_passing
                    or time.monotonic() - lost_at > self.valves.request_timeout_seconds
                ):
                    raise
            await self.wait_for_change(deadline, is_quiet)

    async def wait_for_change(self, deadline, is_quiet):
        """Until something decisive is heard, or it is time to look again."""
        again = time.monotonic() + self.valves.poll_seconds
        if deadline is not None:
            again = min(again, deadline)
        while (left := again - time.monotonic()) > 0:
            event = await self.feed.next(left)
            if event is None:
                return
            if event.get("event") != "task_progress":
                return
            if not is_quiet:
                await self.report(event.get("message"), event.get("progress"), "running")

    async def report(self, message, progress, status):
        text = message or {"queued": "Waiting for its turn"}.get(status, "Running")
        await self.status.say(f"{text} ({progress} %)" if progress else text)

    async def wait_for_task(self, task_id, seconds):
        if not is_task_id(task_id):
            raise GatewayProblem("task_not_found")
        self.task_id = task_id
        await self.status.say("Looking at the task")
        self.feed = EventFeed(self.gateway, task_id)
        task = await self.follow(FINISHED, min(max(0, seconds), 300))
        return await self.outcome(task) if task["status"] in FINISHED else unfinished(task)

    async def cancel_task(self, task_id):
        if not is_task_id(task_id):
            raise GatewayProblem("task_not_found")
        self.task_id = task_id
        task = await self.cancel(task_id)
        return {"status": task["status"], "message": f"The task is {task['status']}."}

    async def outcome(self, task):
        """What came of a finished task, its pictures put into the chat."""
        status = task["status"]
        answer = {"status": status, "task_id": task["task_id"]}
        if status == "completed":
            answer["result"] = await self.fill_in(task)
            answer["status_line"] = f"Done: {one_line(task['plan_summary'], 120)}"
        else:
            code, detail = ENDS.get(status, ("bad_answer", ""))
            error = task.get("error") or {"code": code, "detail": detail}
            problem = GatewayProblem(error["code"], error.get("detail", ""), error.get("hint", ""))
            answer = {**explain(problem), **answer}
            if error.get("step") is not None:
                answer["failed_step"] = error["step"] + 1
            answer.update(read_rejection(task.get("rejection")))
            answer["status_line"] = f"{status.capitalize()}: {answer['message']}"
        attached = await self.attach_pictures(task["artifacts"])
        if attached:
            answer["pictures"] = (
                f"{attached} put into the chat for the user to see; you do not see them. "
                "Call screenshot to see the screen yourself."
            )
        if status == "completed":
            answer["picture"] = await self.picture_for_model(task)
        if task["artifacts"]:
            answer["artifacts"] = [
                {name: kept[name] for name in ("name", "media_type", "size", "url")}
                for kept in task["artifacts"]
            ]
        return answer

    async def fill_in(self, task):
        """The result, a text that was too long for it read back from its artifact."""
        result = task["result"]
        texts = [kept for kept in task["artifacts"] if kept["media_type"].startswith("text/")]
        if not texts or not isinstance(result, dict):
            return result
        results = result.get("steps") if isinstance(result.get("steps"), list) else [result]
        for kept in texts:
            step = results[kept["step"]] if kept["step"] < len(results) else None
            if not isinstance(step, dict) or step.get("content", "") is not None:
                continue
            with contextlib.suppress(GatewayProblem):
                data, _ = await self.gateway.bytes("GET", f"/artifacts/{kept['id']}")
                step["content"] = data.decode("utf-8", "replace")
        return result

    async def attach_pictures(self, artifacts):
        count = 0
        for kept in artifacts:
            if kept["media_type"] not in IMAGES:
                continue
            url = await self.data_url(kept["id"], self.gateway.requester)
            files = [{"type": "image", "url": url}]
            if url is not None and await self.status.emit(
                {"type": "files", "data": {"files": files}}
            ):
                count += 1
        return count

    async def picture_for_model(self, task):
        """
        The picture that the answer is, or None. Files of a message do not reach the model, and a
        picture within other text reaches it as letters: it sees one that is the whole answer.
        """
        steps = task["steps"]
        pictures = [kept for kept in task["artifacts"] if kept["media_type"] in IMAGES]
        if len(steps) != 1 or steps[0]["action"] not in PICTURED or not pictures:
            return None
        query = f"?max_side={self.valves.max_picture_side}"
        return await self.data_url(pictures[-1]["id"], self.gateway.requester, query)

    async def data_url(self, artifact_id, key, query=""):
        """None where it is too large or no picture."""
        limit = int(self.valves.max_image_mb * 1024 * 1024)
        try:
            data, media_type = await self.gateway.bytes(
                "GET", f"/artifacts/{artifact_id}{query}", key=key, limit=limit
            )
        except GatewayProblem:
            return None
        if media_type not in IMAGES:
            return None
        return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def is_task_id(task_id):
    """It becomes part of an address."""
    if not isinstance(task_id, str) or not task_id.startswith("task_") or len(task_id) != 27:
        return False
    return all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in task_id)


def read_rejection(rejection):
    """What the person who rejected a task said, and would have instead."""
    if not isinstance(rejection, dict):
        return {}
    told = {}
    if rejection.get("reason"):
        told["reason"] = make_visible(str(rejection["reason"]))
    if isinstance(rejection.get("proposal"), dict):
        proposal = dict(rejection["proposal"])
        if "steps" not in proposal:
            step = {"action": proposal.pop("action", ""), "parameters": proposal.pop("parameters", {})}
            proposal["steps"] = [step]
        told["proposal"] = proposal
        told["message"] = (
            "A person rejected this and proposes another plan instead. Where it is what the user wants, "
            "call run_plan with exactly the proposal; a person decides on that as on every plan."
        )
    return told


def unfinished(task):
    status = task["status"]
    answer = {"status": status, "task_id": task["task_id"], "progress": task.get("progress", 0)}
    if status in OPEN:
        url = answer["confirmation_url"] = task["confirmation"]["url"]
        message = f"Nothing has run yet. Give the user the link {url} in your answer: a person decides there, and it starts by itself once approved. You cannot approve it."
    else:
        message = "It is not finished and goes on."
    answer["message"] = f"{message} Ask task_status with this task_id and wait_seconds 60."
    return answer


def explain(problem):
    """A problem as the model and the user are told it."""
    answer = {"status": "not_done", "code": problem.code, "message": ADVICE[problem.code]}
    if problem.detail:
        answer["detail"] = make_visible(problem.detail)
    if problem.hint:
        answer["hint"] = make_visible(problem.hint)
    if problem.retry_after is not None:
        answer["retry_after"] = problem.retry_after
    return answer


def shorten(answer, most):
    """JSON of about `most` characters at most. What is left out is said, and where it is."""
    artifacts = answer.get("artifacts") or []
    where = (
        f"The whole is the artifact {artifacts[0]['url']}."
        if artifacts
        else "Ask for a part: offset and length of read_file, a narrower folder or command."
    )
    text = json.dumps(answer, ensure_ascii=False)
    if len(text) <= most or "result" not in answer:
        return text
    result = json.dumps(answer["result"], ensure_ascii=False)
    share = max(500, most - (len(text) - len(result)))
    for limit in (share, share // 2, share // 4, share // 16):
        cut = cut_strings(answer["result"], limit, where)
        text = json.dumps({**answer, "result": cut}, ensure_ascii=False)
        if len(text) <= most + 300:
            return text
    part = f"{result[:share]}… ({len(result) - share} more characters. {where})"
    return json.dumps({**answer, "result": part}, ensure_ascii=False)


def cut_strings(value, limit, where):
    if isinstance(value, dict):
        return {name: cut_strings(item, limit, where) for name, item in value.items()}
    if isinstance(value, list):
        return [cut_strings(item, limit, where) for item in value]
    if not isinstance(value, str) or len(value) <= limit:
        return value
    return f"{value[:limit]}… ({len(value) - limit} more characters. {where})"


def given(**parameters):
    return {name: value for name, value in parameters.items() if value is not None}


def place(x, y):
    return None if x is None and y is None else {"x": x, "y": y}


# --- What the model sees ------------------------------------------------------------------------


class Tools:
    class Valves(BaseModel):
        gateway_url: str = Field(
            "http://localhost:8089",
            description="Where the gateway answers, as this server reaches it.",
        )
        key_id: str = Field("default", description="Id of the key that plans and executes.")
        secret: str = Field(
            "",
            repr=False,
            description="Its secret (SHARED_SECRET).",
            json_schema_extra=PASSWORD,
        )
        token: str = Field(
            "",
            repr=False,
            description="A bearer token (API_TOKEN) instead of key id and secret.",
            json_schema_extra=PASSWORD,
        )
        approver_key_id: str = Field("approver", description="Id of the key that confirms.")
        approver_secret: str = Field(
            "",
            repr=False,
            description="Its secret (APPROVER_SECRET). Empty: nobody approves in the chat; approvers do elsewhere.",
            json_schema_extra=PASSWORD,
        )
        approving_users: str = Field(
            "",
            description="Who may approve in their chat: e-mail addresses, user ids or role:admin, separated by commas. Empty: every user who has this tool.",
        )
        desktop: str = Field("", description="Name of the desktop. Empty: the key's first one.")
        type_word_from: Literal["low", "medium", "high"] = Field(
            "high", description="From this risk on, approving means typing a word."
        )
        ask_again_below_seconds: float = Field(
            0.7,
            ge=0,
            description="A yes that comes faster than this is asked for again, as a word to type: it was an Enter meant for something else.",
        )
        decision_timeout_seconds: float = Field(
            300, gt=0, description="How long to wait for a person. After that nothing runs."
        )
        run_timeout_seconds: float = Field(
            600,
            gt=0,
            description="How long to wait for the end of a task, which goes on after that.",
        )
        request_timeout_seconds: float = Field(
            30, gt=0, description="How long to wait for an answer of the gateway."
        )
        poll_seconds: float = Field(
            5, gt=0, description="How often to look at a task whose events do not come."
        )
        verify_tls: bool = Field(True, description="Check the gateway's certificate.")
        ca_file: str = Field(
            "", description="File with the certificate authority of the gateway's certificate."
        )
        max_result_chars: int = Field(
            12000, ge=1000, description="Longest result for the model; more is left out, saying so."
        )
        max_image_mb: float = Field(8, gt=0, description="Largest picture put into the chat.")
        max_picture_side: int = Field(
            1568,
            ge=200,
            le=8192,
            description="Longest side in pixels of a picture for the model; a larger one is scaled down, saying so below it.",
        )
        dialog_columns: int = Field(
            48, ge=24, description="Characters of a line in the dialog. Longer lines are wrapped."
        )
        dialog_lines: int = Field(
            26,
            ge=10,
            description="Lines of a page in the dialog, as many as fit onto the smallest screen.",
        )
        dialog_pages: int = Field(
            8, ge=1, description="Longest plan that can be approved in the chat, in pages."
        )

    def __init__(self):
        self.valves = self.Valves()
        self.citation = False

    async def read_file(
        self,
        path: str,
        offset: Optional[int] = None,
        length: Optional[int] = None,
        encoding: Literal["utf8", "base64"] = "utf8",
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Read a file on the desktop. Gives its text; of a picture, with the encoding base64, you and the user see it. A long text comes cut, saying so: read the rest in parts with offset and length.

        :param path: Absolute path such as /home/user/notes.txt; a relative one starts at /home/user/Desktop.
        :param offset: First byte to read. Default 0.
        :param length: How many bytes to read. Default all.
        :param encoding: utf8 for text, base64 for other bytes. Default utf8.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = given(path=path, offset=offset, length=length, encoding=encoding)
        return await run.perform({"action": "fs.read", "parameters": parameters})

    async def list_directory(
        self,
        path: str,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        List what is in one folder of the desktop: name, type, size and time of each entry, without subfolders.

        :param path: Absolute path of the folder, such as /home/user.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.perform({"action": "fs.list", "parameters": {"path": path}})

    async def write_file(
        self,
        path: str,
        content: str,
        mode: Literal["create", "overwrite", "append"] = "create",
        encoding: Literal["utf8", "base64"] = "utf8",
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Write a file on the desktop. The user sees the change and approves or rejects it first. To change a few words of a file that is there, use edit_file.

        :param path: Absolute path such as /home/user/notes.txt. Missing folders are made.
        :param content: All of the text. May be empty.
        :param mode: create fails if there is a file; overwrite replaces it; append adds to its end. Default create.
        :param encoding: What content is: utf8 for text, base64 for other bytes. Default utf8.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = given(path=path, content=content, mode=mode, encoding=encoding)
        return await run.perform({"action": "fs.write", "parameters": parameters})

    async def edit_file(
        self,
        path: str,
        old_text: str,
        new_text: str,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Replace one passage of a text file on the desktop. The user sees the change and approves or rejects it first. Read the file before.

        :param path: Absolute path of the file.
        :param old_text: The passage, exactly as it stands there; it must occur once, so copy enough of what is around it.
        :param new_text: What shall stand there instead. May be empty.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = given(path=path, old_text=old_text, new_text=new_text)
        return await run.perform({"action": "fs.edit", "parameters": parameters})

    async def open_page(
        self,
        url: str,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Open a web page in the desktop's browser. The user approves it first; you and the user see a picture of the screen afterwards.

        :param url: An http or https address. Only hosts that the policy allows.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.perform({"action": "browser.open", "parameters": {"url": url}})

    async def open_application(
        self,
        application: str,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Open an application on the desktop. The user approves it first; you and the user see a picture of the screen afterwards.

        :param application: Its name, such as firefox. Only what the policy allows.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.perform({"action": "app.open", "parameters": {"application": application}})

    async def screenshot(
        self,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Take a picture of the desktop's screen, which you and the user see. Coordinates of the mouse tools are pixels of this picture from its top left. A picture of a large screen is scaled down: then a line below it says by what to multiply them.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.perform({"action": "screen.capture", "parameters": {}})

    async def cursor_position(
        self,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Tell where the mouse pointer is on the desktop's screen, in pixels.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.perform({"action": "screen.cursor", "parameters": {}})

    async def move_mouse(
        self,
        x: int,
        y: int,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Move the mouse pointer without pressing anything. The user approves it first.

        :param x: Pixels from the left of the screen.
        :param y: Pixels from its top.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = {"coordinates": {"x": x, "y": y}}
        return await run.perform({"action": "mouse.move", "parameters": parameters})

    async def click(
        self,
        x: Optional[int] = None,
        y: Optional[int] = None,
        button: Literal["left", "right", "middle"] = "left",
        click_count: int = 1,
        hold_keys: Optional[list[str]] = None,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Click on the desktop. The user sees the place on a picture of the screen and approves it first. Take a screenshot before to know where, and after to see what it did.

        :param x: Pixels from the left of the screen. Without x and y it clicks where the pointer is.
        :param y: Pixels from its top.
        :param button: left, right or middle. Default left.
        :param click_count: 2 is a double click. 1 to 3, default 1.
        :param hold_keys: Keys held meanwhile: shift, ctrl, alt or super. Default none.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = given(
            coordinates=place(x, y), button=button, click_count=click_count, hold_keys=hold_keys
        )
        return await run.perform({"action": "mouse.click", "parameters": parameters})

    async def hold_mouse_button(
        self,
        press: Literal["down", "up"],
        button: Literal["left", "right", "middle"] = "left",
        x: Optional[int] = None,
        y: Optional[int] = None,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Press a mouse button without releasing it, or release it. The user approves it first. For a drag use drag.

        :param press: down holds the button, up releases it.
        :param button: left, right or middle. Default left.
        :param x: Pixels from the left of the screen. Default where the pointer is.
        :param y: Pixels from its top.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = given(press=press, button=button, coordinates=place(x, y))
        return await run.perform({"action": "mouse.press", "parameters": parameters})

    async def drag(
        self,
        points: list[list[int]],
        button: Literal["left", "right", "middle", "none"] = "left",
        hold_keys: Optional[list[str]] = None,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Drag on the desktop along points with a mouse button held. The user approves it first.

        :param points: 2 to 200 points [x, y] in pixels, such as [[100, 100], [300, 120]].
        :param button: left, right or middle; none only moves the pointer along. Default left.
        :param hold_keys: Keys held meanwhile: shift, ctrl, alt or super. Default none.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        path = [place(*point[:2]) if len(point) == 2 else point for point in points]
        if button == "none":
            return await run.perform(
                {"action": "mouse.trace", "parameters": given(path=path, hold_keys=hold_keys)}
            )
        parameters = given(path=path, button=button, hold_keys=hold_keys)
        return await run.perform({"action": "mouse.drag", "parameters": parameters})

    async def scroll(
        self,
        direction: Literal["up", "down", "left", "right"],
        notches: int = 3,
        x: Optional[int] = None,
        y: Optional[int] = None,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Turn the mouse wheel on the desktop. The user approves it first.

        :param direction: up, down, left or right.
        :param notches: How far, 1 to 50. Default 3.
        :param x: Pixels from the left of the screen. Default where the pointer is.
        :param y: Pixels from its top.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = given(direction=direction, scroll_count=notches, coordinates=place(x, y))
        return await run.perform({"action": "mouse.scroll", "parameters": parameters})

    async def type_text(
        self,
        text: str,
        paste: bool = False,
        sensitive: bool = False,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Type text into what has the focus on the desktop. The user sees the text and approves it first. A line feed is Enter.

        :param text: The text, at most 4096 characters; with paste 65536.
        :param paste: Put it in at once through the clipboard, for long texts. Default false.
        :param sensitive: For passwords: it is masked everywhere but before the user who approves. Default false.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        action = "keyboard.paste" if paste else "keyboard.type"
        parameters = given(text=text, sensitive=True if sensitive else None)
        return await run.perform({"action": action, "parameters": parameters})

    async def press_keys(
        self,
        keys: list[str],
        press: Literal["together", "down", "up"] = "together",
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Press keys on the desktop. The user approves it first.

        :param keys: 1 to 5 keys, such as ["ctrl", "s"] or ["enter"].
        :param press: together presses and releases them; down holds them; up releases held ones. Default together.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        if press == "together":
            return await run.perform({"action": "keyboard.chord", "parameters": {"keys": keys}})
        parameters = {"keys": keys, "press": press}
        return await run.perform({"action": "keyboard.press", "parameters": parameters})

    async def wait(
        self,
        seconds: float,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Let time pass on the desktop, for something on the screen to finish.

        :param seconds: How long, at most 60.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = {"duration_ms": round(seconds * 1000)}
        return await run.perform({"action": "wait", "parameters": parameters})

    async def run_command(
        self,
        command: list[str],
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Run one program on the desktop. No shell reads it: no pipes, wildcards or variables. The user approves it first, and it is often switched off.

        :param command: The program and its arguments, each a string of its own: ["git", "status", "-s"].
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.perform({"action": "shell.run", "parameters": {"command": command}})

    async def ask_agent(
        self,
        description: str,
        priority: Literal["low", "medium", "high", "urgent"] = "medium",
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Hand a task to ByteBot's own agent, which works on the desktop by itself and may take minutes. The user sees the task and its limits and approves it first. Use it only where the other tools do not do.

        :param description: What the agent shall do, in words, with all it needs to know.
        :param priority: Its place in the agent's queue. Default medium.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        parameters = {"description": description, "priority": priority}
        return await run.perform({"action": "agent.task", "parameters": parameters})

    async def run_plan(
        self,
        steps: list[dict[str, Any]],
        title: Optional[str] = None,
        desktop: Optional[str] = None,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Run several steps in order as one plan that the user approves once; the first failure stops it. Use it where all steps are known beforehand; where one depends on what another shows, call the tools one by one.

        Actions and their parameters: fs.read {path}, fs.list {path}, fs.write {path, content, mode}, fs.edit {path, old_text, new_text}, browser.open {url}, app.open {application}, screen.capture {}, mouse.click {coordinates: {x, y}, button, click_count}, mouse.scroll {direction, scroll_count}, keyboard.type {text}, keyboard.chord {keys}, wait {duration_ms}, shell.run {command}.

        :param steps: 1 to 100 steps, each {"action": "fs.read", "parameters": {"path": "/tmp/a.txt"}}.
        :param title: What it is for, in a few words, for the person who approves.
        :param desktop: Name of the desktop. Default the first one.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.perform(given(steps=steps, title=title, desktop=desktop))

    async def task_status(
        self,
        task_id: str,
        wait_seconds: float = 0,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        Tell how a task stands that an earlier call began, and give its result once it is completed. It decides nothing: only a person approves.

        :param task_id: As the earlier call answered it.
        :param wait_seconds: How long to wait for its end, 0 to 300. Default 0. 60 serves well while a person decides.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.look(task_id, wait_seconds)

    async def cancel_task(
        self,
        task_id: str,
        __user__: Optional[dict] = None,
        __metadata__: Optional[dict] = None,
        __event_emitter__: Any = None,
        __event_call__: Any = None,
    ) -> str:
        """
        End a task that an earlier call began. What is finished stays as it is.

        :param task_id: As the earlier call answered it.
        """
        run = Run(self.valves, __user__, __metadata__, __event_emitter__, __event_call__)
        return await run.stop(task_id)
