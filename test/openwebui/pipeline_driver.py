"""Loads the pipeline with a stand-in for `pipelines`, and calls its tool.

Arguments: the file, and calls as JSON: a list of [action, parameters]. Prints the answers as JSON.
"""

import importlib.util
import json
import sys
import types

tools = {}


class Pipeline:
    def tool(self):
        def register(function):
            tools[function.__name__] = function
            return function

        return register


sys.modules["pipelines"] = types.ModuleType("pipelines")
sys.modules["pipelines"].Pipeline = Pipeline

spec = importlib.util.spec_from_file_location("pipeline_under_test", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(json.dumps([tools["desktop_automation"](*call) for call in json.loads(sys.argv[2])]))
