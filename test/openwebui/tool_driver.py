"""Open WebUI as far as a tool sees it: loads the file, injects the emitter and the caller.

Arguments: the tool's file, and a scenario as JSON: `valves` and `calls`, each with `method`, `args`,
`user`, `metadata` and `answers`, one for every dialog in turn. Calls run at the same time. An answer
is given as it stands, or is one of
  {"do": "hang"}   the person never answers
  {"do": "deaf"}   as hang, and does not end when it is cancelled
  {"do": "raise"}  the socket fails
  {"do": "ask"}    the next line of standard input says it
  {"do": "stop"}   the chat is stopped
Prints a JSON object a line: dialog, event, result, stopped or list. A result has what the tool
answered, and what Open WebUI 0.10 makes of it for the model.
"""

import asyncio
import importlib.util
import inspect
import json
import sys
import typing

try:
    import pydantic
except ImportError:
    import pydantic_standin

    sys.modules["pydantic"] = pydantic_standin


def say(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


def load(path):
    spec = importlib.util.spec_from_file_location("tool_under_test", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def offered(tool):
    """What Open WebUI offers to the model; older versions pass over names with two underscores only."""
    names = [
        name
        for name in dir(tool)
        if callable(getattr(tool, name))
        and not name.startswith("__")
        and not inspect.isclass(getattr(tool, name))
    ]
    return {name: describe(getattr(tool, name)) for name in names}


def describe(function):
    hints = typing.get_type_hints(function)
    names = [name for name in inspect.signature(function).parameters if name[:2] != "__"]
    return {
        "doc": inspect.getdoc(function),
        "parameters": names,
        "typed": all(name in hints for name in names),
        "is_async": inspect.iscoroutinefunction(function),
    }


def give_to_model(result):
    """
    The parts of a message. An answer that is one picture whole is shown to the model, anything else is
    text to it. Files that a tool emits are the user's alone: the model is given none of them.
    """
    if isinstance(result, str) and result.startswith("data:image/"):
        note = {"type": "input_text", "text": "An image was read."}
        return [note, {"type": "input_image", "image_url": result}]
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return [{"type": "input_text", "text": text}]


async def stay():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass


async def call_tool(tool, index, call, lines):
    answers = iter(call.get("answers", []))
    stopping = asyncio.Event()

    async def event_call(event):
        assert set(event) == {"type", "data"} and event["type"] in ("confirmation", "input")
        say("dialog", call=index, event=event)
        answer = next(answers, {"do": "hang"})
        deed = answer.get("do") if isinstance(answer, dict) else None
        if deed == "hang":
            await asyncio.Event().wait()
        if deed == "deaf":
            await stay()
        if deed == "raise":
            raise RuntimeError("socket closed")
        if deed == "ask":
            return json.loads(await lines.get())
        if deed == "stop":
            stopping.set()
            await asyncio.Event().wait()
        return answer

    async def event_emitter(event):
        say("event", call=index, event=event)
        if event["type"] == call.get("stop_at", {}).get("type"):
            if call["stop_at"]["text"] in event["data"]["description"]:
                stopping.set()

    arguments = {
        **call.get("args", {}),
        "__user__": call.get("user", {"id": "u1", "email": "ada@example.com", "role": "user"}),
        "__metadata__": call.get("metadata", {"session_id": f"session-{index}"}),
        "__event_emitter__": event_emitter,
        "__event_call__": None if call.get("no_browser") else event_call,
    }
    work = asyncio.ensure_future(getattr(tool, call["method"])(**arguments))
    stop = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    if stop.done():
        work.cancel()
        await asyncio.wait({work})
        say("stopped", call=index, cancelled=work.cancelled())
    else:
        stop.cancel()
        answer = work.result()
        say("result", call=index, text=answer, given=give_to_model(answer))


async def main():
    module = load(sys.argv[1])
    scenario = json.loads(sys.argv[2])
    tool = module.Tools()
    tool.valves = module.Tools.Valves(**scenario.get("valves", {}))
    if scenario.get("list"):
        say("list", offered=offered(tool), advice=module.ADVICE, valves=repr(tool.valves))
        return
    if "visible" in scenario:
        say("list", visible=[module.make_visible(text) for text in scenario["visible"]])
        return
    lines = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, lambda: lines.put_nowait(sys.stdin.readline()))
    await asyncio.gather(
        *(call_tool(tool, index, call, lines) for index, call in enumerate(scenario["calls"]))
    )
    sys.stdout.flush()


try:
    asyncio.run(asyncio.wait_for(main(), 60))
finally:
    sys.stdout.flush()
