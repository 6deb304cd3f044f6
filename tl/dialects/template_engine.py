"""A chat template as transformers renders it, in Jinja's sandbox.

Source: `_cached_compile_jinja_template` in utils/chat_template_utils.py of transformers 5.23.0:
immutable sandbox, blocks trimmed, `tojson` without HTML escapes, `raise_exception`, `strftime_now`,
and the tag `{% generation %}`, whose body is rendered as it is.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError
from jinja2.utils import Namespace

from tl import InputError

Render = Callable[..., str]


class _Generation(Extension):
    """`{% generation %} ... {% endgeneration %}` marks a reply for other trainers."""

    tags = {"generation"}

    def parse(self, parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body).set_lineno(line)


class _Namespace(Namespace):
    """`namespace(...)` without attributes that start with an underscore: Python's own."""

    def __init__(self, *args, **attributes):
        given = dict(*args, **attributes)
        super().__init__()
        for name, value in given.items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"a template may not store {name!r}")
        super().__setitem__(name, value)


def compile_template(source: str) -> Render:
    """variables -> text. InputError if the template is none, or (when called) if it refuses the
    conversation or fails on it.
    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals |= {"raise_exception": _raise, "strftime_now": _strftime_now}
    environment.globals |= {"dict": _dict, "namespace": _Namespace}
    try:
        template = environment.from_string(source)
    except (TemplateError, RecursionError) as error:
        raise InputError(f"the chat template is no Jinja template ({_words(error)})") from None

    def render(**variables: Any) -> str:
        try:
            return template.render(**variables)
        except Exception as error:  # a template can fail in any way that Python can
            raise InputError(
                f"the chat template refuses the conversation ({_words(error)}); use another "
                "--dialect or leave such records out with --on_bad_record skip"
            ) from None

    return render


def _tojson(
    value: Any, ensure_ascii=False, indent=None, separators=None, sort_keys=False
) -> str:
    style = {"indent": indent, "separators": separators, "sort_keys": sort_keys}
    return json.dumps(value, ensure_ascii=ensure_ascii, **style)


def _dict(*args: Any, **members: Any) -> dict:
    """A function, as the class itself would give templates its methods."""
    return dict(*args, **members)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(style: str) -> str:
    return datetime.now().strftime(style)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
