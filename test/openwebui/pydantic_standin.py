"""As much of pydantic as a tool's valves need, for machines without it."""


class _Default:
    def __init__(self, value, repr):
        self.value, self.repr = value, repr


def Field(default=..., *, repr=True, **_described):
    return _Default(default, repr)


class BaseModel:
    def __init__(self, **values):
        for name in self._fields():
            setattr(self, name, values.get(name, getattr(type(self), name).value))

    @classmethod
    def _fields(cls):
        return [name for name, value in vars(cls).items() if isinstance(value, _Default)]

    def __repr__(self):
        shown = (
            f"{name}={getattr(self, name)!r}"
            for name in self._fields()
            if getattr(type(self), name).repr
        )
        return f"{type(self).__name__}({', '.join(shown)})"
