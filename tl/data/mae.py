"""MAE, mitigating adverse effects (paper section 4.1): which calls of a trajectory were wrong, by
their feedback.

    L_MAE = - sum over trajectories, sum over calls t_s not in T_e, of log p(t_s | query, tools,
    earlier calls, feedback)

An erroneous call stays in the context of what follows, as the model will meet its own errors there;
it is only never a target.
"""

from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.schema import Conversation, feedback_after


def erroneous_calls(conversation: Conversation) -> dict[tuple[int, int], ErrorType]:
    """T_e: (message index, call index) -> kind of error, where the feedback reports one."""
    errors = {}
    for index, message in enumerate(conversation.messages):
        feedback = feedback_after(conversation.messages, index) if message.calls else ()
        for number, (call, answer) in enumerate(zip(message.calls, feedback, strict=False)):
            error = classify_feedback(answer.content, call)
            if error is not None:
                errors[index, number] = error
    return errors
