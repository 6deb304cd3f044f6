"""The runtime loop: the model decides, the application executes.

    render -> generate -> parse -> execute -> append the feedback -> render -> ...

until the model calls `finish`, answers without a call, or has had nine turns: the loop of ToolEyes
(Junjie-Ye/ToolEyes, Code/Inference/inference.py), for many conversations at once.

    loop            Loop: many conversations, one call of `generate` per round
    reply           what a reply is: a call, something that was meant as one, an answer, nothing
    feedback        texts that go back to the model: short enough, clean
    tool_process    ToolProcess: a user's own tools, in a process that may hang or die
    worker          that process
    chat            one conversation in a terminal: `python -m tl.agent`
    material        what PPO practises on: entries and exercises
    practice        a policy at work on them
"""
