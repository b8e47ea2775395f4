"""Is a request of the right types? Says no as FastAPI does: 422 with every fault's place.

Types as in tracer/scale/fields.py, checked by pydantic as SGP's own server checks them, with its lenience: "0.5" is a number.
Such a text goes on as the number that it stands for; everything else goes on exactly as it came. null is allowed wherever a
field may be left out, and stays null. Ranges are the upstream's business: they differ. Of a list only the first fault is told,
so that an answer cannot outgrow its request.

Fields that are absent stay absent, and unknown ones pass.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, FiniteFloat, TypeAdapter, ValidationError
from pydantic import Field as Constraint
from pydantic_core import PydanticCustomError

from tracer.scale.errors import Fault, unprocessable
from tracer.scale.fields import FIELDS, Dialect, Field, Type, row


def _biases(value: dict[str, Any]) -> dict[str, Any]:
    if all(type(bias) is int or (type(bias) is float and bias.is_integer()) for bias in value.values()):
        return value
    raise PydanticCustomError("int_type", "Input should be a map of string to integer")


_Strings = Annotated[list[str], Constraint(fail_fast=True)]
_Object = dict[str, Any]

_ADAPTERS: Mapping[Type, TypeAdapter[Any]] = {
    Type.STRING: TypeAdapter(str),
    Type.INTEGER: TypeAdapter(int),
    Type.NUMBER: TypeAdapter(FiniteFloat),
    Type.BOOLEAN: TypeAdapter(bool),
    Type.OBJECT: TypeAdapter(_Object),
    Type.OBJECTS: TypeAdapter(Annotated[list[_Object], Constraint(fail_fast=True)]),
    Type.STRINGS: TypeAdapter(_Strings),
    Type.STRING_OR_STRINGS: TypeAdapter(str | _Strings),
    Type.STRING_OR_OBJECT: TypeAdapter(str | _Object),
    Type.STRING_OR_OBJECTS: TypeAdapter(str | list[Any]),
    Type.BOOLEAN_OR_INTEGER: TypeAdapter(bool | int),
    Type.NUMBER_OR_STRING: TypeAdapter(FiniteFloat | str),
    Type.BIASES: TypeAdapter(Annotated[_Object, AfterValidator(_biases)]),
    Type.ANY: TypeAdapter(Any),
}
_SCALARS = frozenset({Type.INTEGER, Type.NUMBER, Type.BOOLEAN})


def checked(dialect: Dialect, body: object) -> dict[str, object]:
    """The fields of a request that fits its schema, in the order in which they were sent. Raises Refused."""
    if not isinstance(body, dict):
        raise unprocessable([Fault((), "The body should be a JSON object", "model_attributes_type")])
    required = [name for name, field in FIELDS[dialect].items() if field.required]
    faults = [Fault((name,), "Field required", "missing") for name in required if name not in body]
    sent: dict[str, object] = {}
    for name, value in body.items():
        field = row(dialect, name)
        if field is None or (value is None and not field.required):
            sent[name] = value
            continue
        try:
            sent[name] = _checked(field, value)
        except ValidationError as error:
            faults += _faults(name, error)
    if faults:
        raise unprocessable(faults)
    return sent


def _checked(field: Field, value: object) -> object:
    made = _ADAPTERS[field.type].validate_python(value)
    return made if field.type in _SCALARS and isinstance(value, str) else value


def _faults(name: str, error: ValidationError) -> Iterator[Fault]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        yield Fault((name, *found["loc"]), found["msg"], found["type"])
