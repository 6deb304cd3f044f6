"""Short names for the kinds of error, and one text classified as feedback on a call."""

from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.schema import Call

NO_TOOL = ErrorType.TOOL_HALLUCINATION
NO_PARAMETER = ErrorType.PARAMETER_HALLUCINATION
MISSING = ErrorType.PARAMETER_MISSING
INSTABILITY = ErrorType.TOOL_INSTABILITY
FAILURE = ErrorType.TOOL_CALL_FAILURE
OTHER = ErrorType.OTHER_ERROR


def classify(text: str, name: str = "f", arguments: dict | None = None) -> ErrorType | None:
    return classify_feedback(text, Call(name, arguments or {}))
